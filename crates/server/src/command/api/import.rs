//! `portcullis api import`: a definition, or an apictl project as folder or zip.

mod project;

use std::path::Path;

use serde_json::{Value, json};

use self::project::Project;
use super::{PUBLISHER, find, publish, text};
use crate::cli::ImportArguments;
use crate::client::{Client, Payload, escape};
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;

/// Largest definition that a server takes, bytes.
const DEFINITION_CAP: u64 = 10 * 1024 * 1024;

/// Largest packed project that a server takes, bytes: 32 MiB with the form around it.
const PROJECT_CAP: u64 = 32 * 1024 * 1024 - 4096;

/// What to do about a definition that the server refuses.
const CORRECT: &str = "correct what is named above, then import it again";

pub(super) async fn run(client: &Client, arguments: ImportArguments, terminal: Terminal) -> Outcome {
    let path = &arguments.file;
    let metadata = std::fs::metadata(path).map_err(|e| Failure::io(path, "read", &e))?;
    let api = if metadata.is_dir() {
        let project = Project::of_folder(path, terminal)?;
        import(client, project, &arguments).await?
    } else if is_zip(path)? {
        let project = Project::of_zip(path, &read(path, "a project", PROJECT_CAP)?)?;
        import(client, project, &arguments).await?
    } else {
        let bytes = read(path, "a definition", DEFINITION_CAP)?;
        definition(client, &arguments, &bytes).await?
    };
    if arguments.publish {
        publish(client, &text(&api, "id")).await?;
    }
    let (name, version, context) = (text(&api, "name"), text(&api, "version"), text(&api, "context"));
    terminal.result(&api, || {
        let state = if arguments.publish { "imported and published" } else { "imported" };
        format!("{name} {version} was {state}; its context is {context}.")
    });
    Ok(())
}

/// Every zip begins with these two bytes; no definition does.
fn is_zip(path: &Path) -> Outcome<bool> {
    use std::io::Read as _;
    let mut start = [0; 2];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut start));
    read.map_err(|e| Failure::io(path, "read", &e))?;
    Ok(start == *b"PK")
}

/// Reads a file that the server would not refuse for its size.
fn read(path: &Path, what: &str, cap: u64) -> Outcome<Vec<u8>> {
    use std::io::Read as _;
    let failed = |e: &std::io::Error| Failure::io(path, "read", e);
    let file = std::fs::File::open(path).map_err(|e| failed(&e))?;
    let size = file.metadata().map_err(|e| failed(&e))?.len();
    if size > cap {
        return Err(too_large(path, size, what, cap));
    }
    let mut bytes = Vec::new();
    file.take(cap.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > cap { Err(too_large(path, size, what, cap)) } else { Ok(bytes) }
}

fn too_large(path: &Path, size: u64, what: &str, cap: u64) -> Failure {
    Failure::usage(
        format!("{} has {size} bytes; {what} may have {cap} at most, and nothing was sent", path.display()),
        "take out what is not needed (examples, documents), or split it into several APIs",
    )
}

/// Imports a project and finds out which API it made.
async fn import(client: &Client, mut project: Project, arguments: &ImportArguments) -> Outcome<Value> {
    if let Some(endpoint) = &arguments.endpoint {
        project.point_to(endpoint)?;
    }
    let (name, version) = project.identity()?;
    let zip = project.pack()?;
    let size = u64::try_from(zip.len()).unwrap_or(u64::MAX);
    if size > PROJECT_CAP {
        return Err(too_large(&arguments.file, size, "a packed project", PROJECT_CAP));
    }
    let path = format!("{PUBLISHER}/apis/import?preserveProvider=false&overwrite={}", arguments.update);
    let payload = Payload::multipart(&[("file", Some("project.zip"), &zip)]);
    let reply = client.post(&path, payload).await?.accepted("import the project");
    let answer = reply.map_err(|refusal| refusal.with_fix(CORRECT))?.value();
    if answer.get("id").is_some() {
        return Ok(answer);
    }
    // WSO2 answers with a sentence; the project itself names the API.
    let found = find(client, &name, &version).await?;
    found.ok_or_else(|| Failure::internal(format!("{name} {version} was imported, but is not listed")))
}

/// Imports a definition; what the command line does not say is taken from the document.
async fn definition(client: &Client, arguments: &ImportArguments, bytes: &[u8]) -> Outcome<Value> {
    let document: Value = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok().or_else(|| serde_saphyr::from_str(text).ok()))
        // A broken document is sent all the same: the server's answer names line and reason.
        .unwrap_or(Value::Null);
    let info = document.get("info").cloned().unwrap_or_default();
    let name = arguments.name.clone().unwrap_or_else(|| identifier(&text(&info, "title")));
    let version = arguments.version.clone().unwrap_or_else(|| match text(&info, "version") {
        version if version.is_empty() => "1.0.0".to_owned(),
        version => version,
    });
    let context = arguments.context.clone().unwrap_or_else(|| format!("/{}", name.to_lowercase()));
    if arguments.update
        && let Some(existing) = find(client, &name, &version).await?
    {
        let path = format!("{PUBLISHER}/apis/{}/swagger", escape(&text(&existing, "id")));
        let payload = Payload::multipart(&[("apiDefinition", None, bytes)]);
        let reply = client.send(http::Method::PUT, &path, Some(payload)).await?;
        reply.accepted("replace the definition").map_err(|refusal| refusal.with_fix(CORRECT))?;
        return Ok(existing);
    }
    let mut properties = json!({ "name": name, "version": version, "context": context, "policies": ["Unlimited"] });
    if let Some(endpoint) = arguments.endpoint.clone().or_else(|| first_server(&document))
        && let Some(members) = properties.as_object_mut()
    {
        let urls = json!({ "url": endpoint });
        let endpoints =
            json!({ "endpoint_type": "http", "production_endpoints": urls, "sandbox_endpoints": { "url": endpoint } });
        members.insert("endpointConfig".to_owned(), endpoints);
    }
    let file = arguments.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let payload = Payload::multipart(&[
        ("file", Some(&file), bytes),
        ("additionalProperties", None, properties.to_string().as_bytes()),
    ]);
    let reply = client.post(&format!("{PUBLISHER}/apis/import-openapi"), payload).await?;
    let accepted = reply.accepted("import the definition");
    Ok(accepted.map_err(|refusal| refusal.with_fix(CORRECT))?.value())
}

/// A name that WSO2 accepts, made of a title.
fn identifier(title: &str) -> String {
    let name: String =
        title.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(50).collect();
    if name.is_empty() { "API".to_owned() } else { name }
}

/// The first absolute server URL of an OpenAPI 3 document, or host and base path of a Swagger 2 document.
fn first_server(document: &Value) -> Option<String> {
    let absolute = |url: &str| (url.starts_with("http://") || url.starts_with("https://")).then(|| url.to_owned());
    if let Some(servers) = document.get("servers").and_then(Value::as_array) {
        return servers.iter().find_map(|s| absolute(s.get("url")?.as_str()?));
    }
    let host = document.get("host")?.as_str()?;
    let schemes = document.get("schemes").and_then(Value::as_array);
    let plain = schemes.is_some_and(|s| !s.iter().any(|v| v == "https"));
    let scheme = if plain { "http" } else { "https" };
    absolute(&format!("{scheme}://{host}{}", text(document, "basePath")))
}

#[cfg(test)]
mod tests {
    use super::{first_server, identifier, read};
    use serde_json::json;

    #[test]
    fn names_and_servers_come_from_the_document() {
        assert_eq!(identifier("Pizza Menu (v2)!"), "PizzaMenuv2");
        assert_eq!(identifier("!!!"), "API");
        assert_eq!(
            first_server(&json!({ "servers": [{ "url": "/x" }, { "url": "https://a/b" }] })).unwrap(),
            "https://a/b"
        );
        let swagger = json!({ "host": "h:1", "basePath": "/v1", "schemes": ["http"] });
        assert_eq!(first_server(&swagger).unwrap(), "http://h:1/v1");
        assert_eq!(first_server(&json!({})), None);
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_beyond_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.yaml");
        std::fs::write(&file, [b'#'; 10]).unwrap();
        assert_eq!(read(&file, "a definition", 10).unwrap().len(), 10);
        let refused = read(&file, "a definition", 9).unwrap_err().to_string();
        assert!(refused.contains("has 10 bytes; a definition may have 9 at most"), "{refused}");
    }
}
