//! Where calls are forwarded to, and whether it answers.

use std::sync::Arc;

use http::{Method, StatusCode};
use model::ApiDocument;
use serde_json::{Map, Value, json};
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::edit::{self, Sent, Values};
use super::{design, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Button, Card, Column, Faults, Field, Form, Html, Notice, Table, Tone};

const LABELS: [(&str, &str); 4] =
    [("production", "Production"), ("sandbox", "Sandbox"), ("username", "User name"), ("password", "Password")];
const SIDES: [(&str, &str); 2] = [("production", "production_endpoints"), ("sandbox", "sandbox_endpoints")];

/// The addresses of a side: one, or several where calls are spread.
fn addresses(api: &ApiDocument, side: &str) -> Vec<String> {
    let found = api.get("endpointConfig").and_then(|config| config.get(side));
    match found {
        Some(Value::Array(list)) => list.iter().map(|e| text(e, "url").to_owned()).collect(),
        Some(one) => vec![text(one, "url").to_owned()].into_iter().filter(|url| !url.is_empty()).collect(),
        None => Vec::new(),
    }
}

/// Whether one address for each side says all that there is to say.
fn is_simple(api: &ApiDocument) -> bool {
    let kind = api.get("endpointConfig").map(|c| text(c, "endpoint_type").to_owned()).unwrap_or_default();
    matches!(kind.as_str(), "" | "http" | "address" | "ws")
        && SIDES
            .iter()
            .all(|(_, side)| !api.get("endpointConfig").and_then(|c| c.get(*side)).is_some_and(Value::is_array))
}

/// User name of the basic authentication, and whether another kind is set up.
fn security(api: &ApiDocument) -> (String, bool) {
    let found = api.get("endpointConfig").and_then(|c| c.get("endpoint_security")?.get("production"));
    let Some(found) = found.filter(|s| s.get("enabled").and_then(Value::as_bool).unwrap_or(false)) else {
        return (String::new(), false);
    };
    (text(found, "username").to_owned(), !text(found, "type").eq_ignore_ascii_case("basic"))
}

fn read(api: &ApiDocument) -> Values {
    let mut values: Values = SIDES.iter().map(|(name, side)| (*name, addresses(api, side).join("\n"))).collect();
    values.insert("username", security(api).0);
    values.insert("password", String::new());
    values
}

fn write(api: &mut ApiDocument, values: &Values, faults: &mut Faults) {
    let mut config = api.get("endpointConfig").and_then(Value::as_object).cloned().unwrap_or_default();
    config.entry("endpoint_type").or_insert_with(|| "http".into());
    for (name, side) in SIDES {
        let url = values.get(name).map_or("", String::as_str);
        if url.is_empty() {
            config.shift_remove(side);
            continue;
        }
        if !["http://", "https://", "ws://", "wss://"].iter().any(|scheme| url.starts_with(scheme)) {
            faults.add(name, "Enter an address with its scheme, as in https://backend.example.com/v1.");
        }
        let mut endpoint = config.get(side).and_then(Value::as_object).cloned().unwrap_or_default();
        endpoint.insert("url".to_owned(), url.into());
        config.insert(side.to_owned(), Value::Object(endpoint));
    }
    if !security(api).1 {
        secure(&mut config, values);
    }
    api.set(
        "endpointConfig",
        if SIDES.iter().any(|(_, side)| config.contains_key(*side)) { Value::Object(config) } else { Value::Null },
    );
}

/// Basic authentication at the backend: a blank password keeps the one that is stored, a blank name takes both away.
fn secure(config: &mut Map<String, Value>, values: &Values) {
    let value = |name: &str| values.get(name).map_or("", String::as_str);
    if value("username").is_empty() {
        config.shift_remove("endpoint_security");
        return;
    }
    let one = json!({"enabled": true, "type": "BASIC", "username": value("username"), "password": value("password")});
    config.insert("endpoint_security".to_owned(), json!({"production": one, "sandbox": one}));
}

fn form(here: &Here, values: &Values, stored: &Values, faults: &Faults) -> Form {
    let value = |name: &str| values.get(name).map_or("", String::as_str);
    let mut form = Form::new(&here.frame.csrf, here.path("endpoints"), "Save endpoints")
        .faults(faults)
        .field(
            Field::url("production", "Production")
                .value(value("production"))
                .hint("Where calls with production keys go."),
        )
        .field(
            Field::url("sandbox", "Sandbox")
                .value(value("sandbox"))
                .hint("Where calls with sandbox keys go. Leave empty if there is none."),
        );
    if !security(&here.api).1 {
        form = form
            .group(
                "Sign-in at the backend",
                "Basic authentication. Leave the user name empty if the backend asks for none.",
            )
            .field(Field::text("username", "User name").value(value("username")))
            .field(
                Field::secret("password", "Password").hint("It is sealed, and never shown. Leave empty to keep it."),
            );
    }
    edit::remember(form, stored)
}

/// The form and the connection tests.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "endpoints").await?;
    let mut page = here.page("Endpoints").lead("Where calls are forwarded to.").narrow();
    if is_simple(&here.api) {
        let values = edit::normal(read(&here.api));
        page = page.add(&form(&here, &values, &values, &Faults::none()));
        if security(&here.api).1 {
            page = page.add(&Notice::new(
                Tone::Plain,
                "This backend is signed in to with OAuth 2",
                "It is kept as it is; change it with portcullis api export and import.",
            ));
        }
    } else {
        page = page.add(&Notice::new(
            Tone::Plain,
            "Calls are spread over several addresses",
            "They are shown below. Change them with portcullis api export and import, where every rule of the traffic can be said.",
        ));
    }
    let mut table = Table::new("Addresses", vec![Column::new("Address"), Column::new("For"), Column::actions()]);
    for (name, side) in SIDES {
        for address in addresses(&here.api, side) {
            let test = Button::new(&here.frame.csrf, here.path("endpoints/test"), "Test connection")
                .of(&address)
                .with("url", &address);
            table.row(vec![Html::mono(&address), Html::text(name), test.html()]);
        }
    }
    here.frame.answer(
        page.add(
            &Card::new("Does it answer?")
                .text("The control plane asks each address with HEAD, under its own egress rules.")
                .add(&table),
        ),
    )
}

/// Saves it.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "endpoints").await?;
    let sent = Sent::of(&Fields::of(&call)?, LABELS.map(|(name, _)| name));
    let saved = edit::save(&here, &sent, read, write).await?;
    let page = here.page("Endpoints").narrow();
    let shown = |stored: &Values, faults: &Faults| form(&here, &sent.given, stored, faults);
    design::answer(
        &here,
        saved,
        page,
        &LABELS,
        &shown,
        read,
        ("endpoints", "The endpoints were saved. Deploy a new revision to use them."),
    )
}

/// Asks one of the API's own addresses.
pub(super) async fn test(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "endpoints").await?;
    let fields = Fields::of(&call)?;
    let url = fields.text("url");
    if !SIDES.iter().any(|(_, side)| addresses(&here.api, side).iter().any(|known| known == url)) {
        return Err(web::RestError::bad_request("Save the address first, then test it.").into());
    }
    let (tone, title, more) = match portal.control.egress().send(Method::HEAD, url, None).await {
        Ok(answer) => {
            let status = answer.status;
            let reason = status.canonical_reason().unwrap_or_default();
            let title = format!("It answers: {} {reason}", status.as_u16());
            let more = "Any answer shows that name, port and certificate are right; what HEAD gets says little about other methods.";
            (if status.is_server_error() { Tone::Warn } else { Tone::Ok }, title, more.to_owned())
        }
        Err(error) => (Tone::Bad, "It does not answer".to_owned(), format!("{error}.")),
    };
    let page = here.below("Connection test", "endpoints").lead(url).narrow();
    let again = Button::new(&here.frame.csrf, here.path("endpoints/test"), "Test again").with("url", url).html();
    here.frame.answer_with(StatusCode::OK, page.add(&Notice::new(tone, title, more).html(again)))
}
