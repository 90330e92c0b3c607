//! `portcullis api`: the Publisher REST API from the command line.

mod import;

use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use crate::cli::ApiCommand;
use crate::client::{Client, Payload, escape};
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::terminal::{Terminal, table};

/// Base path of the Publisher API.
pub(crate) const PUBLISHER: &str = "/api/am/publisher/v4";

/// Rows per page.
const PAGE: usize = 100;

pub(super) async fn run(home: &Home, command: ApiCommand, terminal: Terminal) -> Outcome {
    let client = Client::choose(home)?;
    match command {
        ApiCommand::List { query } => list(&client, &query, terminal).await,
        ApiCommand::Import(arguments) => import::run(&client, arguments, terminal).await,
        ApiCommand::Export { name, version, file } => export(&client, &name, &version, file.as_deref(), terminal).await,
        ApiCommand::Publish { name, version } => {
            let api = need(&client, &name, &version).await?;
            publish(&client, &text(&api, "id")).await?;
            said("published", &api, terminal);
            Ok(())
        }
        ApiCommand::Delete { name, version } => {
            let api = need(&client, &name, &version).await?;
            let path = format!("{PUBLISHER}/apis/{}", text(&api, "id"));
            client.send(Method::DELETE, &path, None).await?.accepted("delete the API")?;
            said("deleted", &api, terminal);
            Ok(())
        }
    }
}

fn said(verb: &str, api: &Value, terminal: Terminal) {
    let (name, version) = (text(api, "name"), text(api, "version"));
    terminal.result(&json!({ verb: { "id": api.get("id"), "name": name, "version": version } }), || {
        format!("{name} {version} was {verb}.")
    });
}

/// A text member, empty when absent.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// All APIs that match a search.
async fn search(client: &Client, query: &str) -> Outcome<Vec<Value>> {
    let mut found = Vec::new();
    loop {
        let path = format!("{PUBLISHER}/apis?limit={PAGE}&offset={}&query={}", found.len(), escape(query));
        let page = client.get(&path).await?.accepted("list APIs")?.value();
        let rows = page.get("list").and_then(Value::as_array).cloned().unwrap_or_default();
        let last = rows.len() < PAGE;
        found.extend(rows);
        if last {
            return Ok(found);
        }
    }
}

async fn list(client: &Client, query: &str, terminal: Terminal) -> Outcome {
    let apis = search(client, query).await?;
    let columns = ["name", "version", "context", "lifeCycleStatus", "provider", "id"];
    let rows: Vec<Vec<String>> = apis.iter().map(|api| columns.map(|name| text(api, name)).to_vec()).collect();
    terminal.result(&json!(apis), || {
        if rows.is_empty() {
            "There is no API yet: portcullis api import --file openapi.yaml --publish".to_owned()
        } else {
            table(&["name", "version", "context", "state", "provider", "id"], &rows)
        }
    });
    Ok(())
}

/// The API of a name and version, if there is one.
pub(crate) async fn find(client: &Client, name: &str, version: &str) -> Outcome<Option<Value>> {
    // The search matches parts of names, so the exact one is picked here.
    let found = search(client, &format!("name:{name}")).await?;
    Ok(found.into_iter().find(|api| text(api, "name") == name && text(api, "version") == version))
}

async fn need(client: &Client, name: &str, version: &str) -> Outcome<Value> {
    let found = find(client, name, version).await?;
    found.ok_or_else(|| super::not_found(format!("there is no API {name} {version}"), "portcullis api list"))
}

/// Makes a revision, deploys it to the default environment, and publishes the API unless it is published already.
/// Answers the revision's id.
pub(crate) async fn publish(client: &Client, id: &str) -> Outcome<String> {
    let base = format!("{PUBLISHER}/apis/{id}");
    let revision = json!({ "description": "portcullis api publish" });
    let revision = client.post(&format!("{base}/revisions"), Payload::json(&revision)).await?;
    let revision = text(&revision.accepted("make a revision")?.value(), "id");
    let target = json!([{ "name": "Default", "vhost": "localhost", "displayOnDevportal": true }]);
    let path = format!("{base}/deploy-revision?revisionId={}", escape(&revision));
    client.post(&path, Payload::json(&target)).await?.accepted("deploy the revision")?;
    let state = text(&client.get(&base).await?.accepted("read the API")?.value(), "lifeCycleStatus");
    if state != "PUBLISHED" {
        let path = format!("{PUBLISHER}/apis/change-lifecycle?apiId={}&action=Publish", escape(id));
        client.send(Method::POST, &path, None).await?.accepted("publish the API")?;
    }
    Ok(revision)
}

async fn export(client: &Client, name: &str, version: &str, file: Option<&Path>, terminal: Terminal) -> Outcome {
    let api = need(client, name, version).await?;
    let path = format!("{PUBLISHER}/apis/export?apiId={}&format=YAML", escape(&text(&api, "id")));
    let archive = client.get(&path).await?.accepted("export the API")?.body;
    let Some(file) = file else {
        terminal.bytes(&archive);
        return Ok(());
    };
    std::fs::write(file, &archive).map_err(|e| Failure::io(file, "write", &e))?;
    terminal.result(&json!({ "file": file.display().to_string(), "bytes": archive.len() }), || {
        format!("{name} {version} is in {}.", file.display())
    });
    Ok(())
}
