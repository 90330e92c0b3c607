//! The description of an API in its own format: seen, and replaced.

use std::sync::Arc;

use control::{ControlError, DefinitionSource};
use http::StatusCode;
use serde_json::Value;
use web::{Answer, Call, Permit};

use super::context::Here;
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Code, Faults, Field, Form, Notice, Page, Tone};

/// The description as text; `None` for kinds that have none to show.
async fn text_of(here: &Here) -> Result<Option<String>, ControlError> {
    let control = &here.portal.control;
    let json = |value: Value| serde_json::to_string_pretty(&value).unwrap_or_default();
    Ok(Some(match here.api.kind() {
        "GRAPHQL" => control.graphql_schema(&here.actor, here.id).await?,
        "WS" | "SSE" | "WEBSUB" => json(control.asyncapi(&here.actor, here.id).await?),
        "SOAP" => match control.wsdl(&here.actor, here.id).await {
            // An archive is no text to show or edit.
            Ok((media_type, _)) if media_type.contains("zip") => return Ok(None),
            Ok((_, bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind == control::FaultKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        },
        _ => json(control.definition(&here.actor, here.id).await?),
    }))
}

fn name_of(kind: &str) -> &'static str {
    match kind {
        "GRAPHQL" => "GraphQL schema",
        "WS" | "SSE" | "WEBSUB" => "AsyncAPI document",
        "SOAP" => "WSDL",
        _ => "OpenAPI document",
    }
}

/// Tells versions of a text apart: the form says which one it was made from.
fn mark(text: &str) -> String {
    crate::assets::hash(text.as_bytes())
}

fn form(here: &Here, text: &str, seen: &str, faults: &Faults) -> Form {
    Form::new(&here.frame.csrf, here.path("definition"), "Replace definition")
        .faults(faults)
        .with_files()
        .hidden("seen", seen)
        .field(Field::code("text", "Text", 20).value(text))
        .field(
            Field::file("file", "Or a file", ".yaml,.yml,.json,.zip,.graphql,.graphqls")
                .hint("A file counts before the text."),
        )
}

fn page(here: &Here) -> Page {
    here.page("Definition").lead("What is replaced here changes resources and scopes with it. Nothing is served before a new revision is deployed.")
}

/// The text, and the form to replace it.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "definition").await?;
    let Some(text) = text_of(&here).await? else {
        let notice = Notice::new(Tone::Plain, "This API has no description of its own", "It was made without a WSDL.");
        return here.frame.answer(here.page("Definition").add(&notice));
    };
    if here.api.kind() == "SOAP" {
        let page = here
            .page("Definition")
            .lead("The WSDL is passed through as it was imported. A new version of the API takes a new one.");
        return here.frame.answer(page.add(&Code::new(name_of("SOAP"), text)));
    }
    let form = form(&here, &text, &mark(&text), &Faults::none());
    here.frame.answer(page(&here).add(&form))
}

/// Replaces it, unless somebody else did meanwhile.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "definition").await?;
    let parts = call.multipart().await?;
    let given = parts.texts.get("text").cloned().unwrap_or_default();
    let stored = text_of(&here).await?.unwrap_or_default();
    if parts.texts.get("seen").is_none_or(|seen| *seen != mark(&stored)) {
        let notice = Notice::new(
            Tone::Warn,
            "Nothing was saved yet",
            format!(
                "{} changed the definition while you were editing. Below is what is stored now, and yours in the form: put together what you need, then replace.",
                here.api.text("updatedBy")
            ),
        );
        let form = form(&here, &given, &mark(&stored), &Faults::none());
        let page = page(&here).faulty(true).add(&notice).add(&Code::new("Stored now", stored)).add(&form);
        return here.frame.answer_with(StatusCode::CONFLICT, page);
    }
    let bytes = match parts.files.get("file").filter(|f| !f.bytes.is_empty()) {
        Some(file) => file.bytes.clone(),
        None => given.clone().into_bytes().into(),
    };
    let source = DefinitionSource::Bytes(bytes.clone());
    let control = &portal.control;
    let saved = match here.api.kind() {
        "GRAPHQL" => control.update_graphql_schema(&here.actor, here.id, &String::from_utf8_lossy(&bytes)).await,
        "WS" | "SSE" | "WEBSUB" => control.update_asyncapi(&here.actor, here.id, source).await.map(|_| ()),
        _ => control.update_definition(&here.actor, here.id, source).await.map(|_| ()),
    };
    match saved {
        Ok(()) => here.done("definition", "The definition was replaced. Deploy a new revision to serve it."),
        Err(error) => {
            let form = form(&here, &given, &mark(&stored), &Faults::of(error)?);
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&here).faulty(true).add(&form))
        }
    }
}
