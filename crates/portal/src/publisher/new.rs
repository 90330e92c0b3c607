//! A new API: from a description in one of the formats, from an exported project, or from nothing.

use std::sync::Arc;

use control::{Actor, ControlError, DefinitionSource, ImportOptions};
use http::StatusCode;
use model::ApiDocument;
use serde_json::json;
use web::{Answer, Call, Fields, FormParts, Permit};

use crate::Portal;
use crate::console::{Console, Frame};
use crate::page::PageError;
use crate::ui::{Code, Faults, Field, Form, Page, Tab};

/// What can be imported: value, name, hint.
const KINDS: [(&str, &str, &str); 5] = [
    ("openapi", "OpenAPI", "OpenAPI 3.1, 3.0 or Swagger 2: YAML, JSON, or a zip archive with the files it refers to."),
    ("graphql", "GraphQL", "A schema in SDL. Give name, version, context and endpoint below."),
    ("wsdl", "WSDL", "A SOAP service, passed through as it is."),
    ("asyncapi", "AsyncAPI", "A WebSocket or an event stream. Give name, version and context below."),
    ("project", "Exported project", "A zip archive of apictl or of another Portcullis."),
];

/// What people may say about the API beside its description.
const PROPERTIES: [&str; 4] = ["name", "version", "context", "endpoint"];

fn tabs(scratch: bool) -> Vec<Tab> {
    vec![
        Tab::new("Import", "/publisher/apis/new", !scratch),
        Tab::new("From scratch", "/publisher/apis/new/scratch", scratch),
    ]
}

fn page() -> Page {
    Page::new("New API")
        .crumb("APIs", "/publisher/apis")
        .lead("It stays invisible to consumers until you publish it.")
        .narrow()
}

/// The form for an import.
pub(super) async fn import(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = Frame::of(&portal, &permit, &call, Console::Publisher, "apis");
    frame.answer(import_page(&frame, &FormParts::default(), &Faults::none()))
}

fn import_page(frame: &Frame, given: &FormParts, faults: &Faults) -> Page {
    let text = |name: &str| given.texts.get(name).map_or("", String::as_str);
    let chosen = if text("kind").is_empty() { "openapi" } else { text("kind") };
    let kinds = KINDS.iter().fold(Field::radios("kind", "What do you have?"), |field, (value, label, hint)| {
        field.choice(value, label, hint, *value == chosen)
    });
    let form = Form::new(&frame.csrf, "/publisher/apis/new", "Import API")
        .faults(faults)
        .with_files()
        .field(kinds)
        .group("Where is it?", "One of these is enough.")
        .field(Field::file("file", "File", ".yaml,.yml,.json,.zip,.graphql,.graphqls,.wsdl,.xml"))
        .field(Field::url("url", "Address").value(text("url")).hint("It is fetched once, now, by this server."))
        .field(Field::code("text", "Text", 8).value(text("text")))
        .group("What shall differ?", "Leave empty what the description says already.")
        .field(Field::text("name", "Name").value(text("name")).max(60))
        .field(Field::text("version", "Version").value(text("version")).max(30))
        .field(
            Field::text("context", "Context")
                .value(text("context"))
                .hint("The path at the gateway, as in /pizza.")
                .max(232),
        )
        .field(Field::url("endpoint", "Endpoint").value(text("endpoint")).hint("Where calls are forwarded to."))
        .back("Cancel", "/publisher/apis");
    page()
        .tabs(tabs(false))
        .faulty(!faults.is_empty())
        .add(&form)
        .add(&Code::new("The same on the command line", "portcullis api import --file petstore.yaml"))
}

/// What was given, in this order: file, text, address.
fn source(form: &FormParts) -> Option<DefinitionSource> {
    if let Some(file) = form.files.get("file").filter(|f| !f.bytes.is_empty()) {
        return Some(DefinitionSource::Bytes(file.bytes.clone()));
    }
    let text = |name: &str| form.texts.get(name).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    match text("text") {
        Some(text) => Some(DefinitionSource::Bytes(text.into_bytes().into())),
        None => text("url").map(DefinitionSource::Url),
    }
}

/// Name, version, context and endpoint, as far as they are given.
fn properties(given: &[(&str, &str)]) -> ApiDocument {
    let mut document = ApiDocument::default();
    for (name, value) in given.iter().filter(|(_, value)| !value.trim().is_empty()) {
        match *name {
            "endpoint" => {
                let target = json!({"url": value.trim()});
                let both =
                    json!({"endpoint_type": "http", "production_endpoints": target, "sandbox_endpoints": target});
                document.set("endpointConfig", both);
            }
            name => document.set(name, value.trim()),
        }
    }
    document
}

/// Imports it.
pub(super) async fn send_import(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = Frame::of(&portal, &permit, &call, Console::Publisher, "apis");
    let form = call.multipart().await?;
    let Some(source) = source(&form) else {
        let mut faults = Faults::none();
        faults.add("file", "Choose a file, give its address, or paste its text.");
        return frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, import_page(&frame, &form, &faults));
    };
    let given = PROPERTIES.map(|name| (name, form.texts.get(name).map_or("", String::as_str)));
    let actor = Actor::of(&permit);
    let made = make(&portal, &actor, form.texts.get("kind").map_or("", String::as_str), source, &given);
    match made.await {
        Ok(api) => welcome(&frame, &api),
        Err(error) => {
            let faults = Faults::of(error)?;
            frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, import_page(&frame, &form, &faults))
        }
    }
}

async fn make(
    portal: &Portal,
    actor: &Actor,
    kind: &str,
    source: DefinitionSource,
    given: &[(&str, &str)],
) -> Result<ApiDocument, ControlError> {
    let (control, properties) = (&portal.control, properties(given));
    match kind {
        "graphql" => control.import_graphql(actor, source, properties).await,
        "wsdl" => control.import_wsdl(actor, source, "SOAP", properties).await,
        "asyncapi" => control.import_asyncapi(actor, source, properties).await,
        "project" => match source {
            DefinitionSource::Bytes(zip) => control.import_project(actor, zip, ImportOptions::default()).await,
            DefinitionSource::Url(_) => Err(ControlError::invalid("file: upload the archive of a project.")),
        },
        _ => control.import_openapi(actor, source, properties).await,
    }
}

fn welcome(frame: &Frame, api: &ApiDocument) -> Result<Answer, PageError> {
    let text = format!(
        "{} {} was created. The list below says what is missing before it can be published.",
        api.name(),
        api.version()
    );
    frame.done(&format!("/publisher/apis/{}", api.text("id")), &text)
}

/// The form for an API without a description.
pub(super) async fn scratch(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = Frame::of(&portal, &permit, &call, Console::Publisher, "apis");
    frame.answer(scratch_page(&frame, &|_| "", &Faults::none()))
}

fn scratch_page<'a>(frame: &Frame, given: &dyn Fn(&str) -> &'a str, faults: &Faults) -> Page {
    let form = Form::new(&frame.csrf, "/publisher/apis/new/scratch", "Create API")
        .faults(faults)
        .field(Field::text("name", "Name").value(given("name")).required().max(60).hint("As in PizzaShack; no blanks."))
        .field(Field::text("version", "Version").value(given("version")).required().max(30).hint("As in 1.0.0."))
        .field(
            Field::text("context", "Context")
                .value(given("context"))
                .required()
                .max(232)
                .hint("The path at the gateway, as in /pizza."),
        )
        .field(
            Field::url("endpoint", "Endpoint")
                .value(given("endpoint"))
                .hint("Where calls are forwarded to. It can be given later."),
        )
        .back("Cancel", "/publisher/apis");
    page().tabs(tabs(true)).faulty(!faults.is_empty()).add(&form)
}

/// Creates it.
pub(super) async fn send_scratch(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = Frame::of(&portal, &permit, &call, Console::Publisher, "apis");
    let fields = Fields::of(&call)?;
    let given = PROPERTIES.map(|name| (name, fields.text(name)));
    let mut faults = Faults::none();
    for (name, text) in [
        ("name", "Enter a name."),
        ("version", "Enter a version, as in 1.0.0."),
        ("context", "Enter a context, as in /pizza."),
    ] {
        if fields.text(name).trim().is_empty() {
            faults.add(name, text);
        }
    }
    if faults.is_empty() {
        match portal.control.create_api(&Actor::of(&permit), properties(&given)).await {
            Ok(api) => return welcome(&frame, &api),
            Err(error) => faults = Faults::of(error)?,
        }
    }
    let page = scratch_page(&frame, &|name| fields.text(name), &faults);
    frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page)
}
