//! Documents of APIs.

use std::sync::Arc;

use http::{StatusCode, header};
use serde_json::Value;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json, no_content, text, with_header};

use super::{DOCUMENT, VIEW, api_id};
use crate::api::page::Page;
use crate::{Actor, Control, ControlError};

/// Largest document content, bytes.
const BODY: usize = 10 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    let base = |id, method, path, summary| Operation::new(id, method, path, summary).body_limit(BODY);
    const ALL: &str = "/api/am/publisher/v4/apis/{apiId}/documents";
    const ONE: &str = "/api/am/publisher/v4/apis/{apiId}/documents/{documentId}";
    const CONTENT: &str = "/api/am/publisher/v4/apis/{apiId}/documents/{documentId}/content";
    RouteTable::new()
        .guarded(base("publisher.documents.list", "GET", ALL, "List the documents of an API."), VIEW, list)
        .guarded(base("publisher.documents.create", "POST", ALL, "Add a document."), DOCUMENT, create)
        .guarded(base("publisher.documents.get", "GET", ONE, "Read a document."), VIEW, get)
        .guarded(base("publisher.documents.update", "PUT", ONE, "Replace a document."), DOCUMENT, update)
        .guarded(base("publisher.documents.delete", "DELETE", ONE, "Remove a document."), DOCUMENT, delete)
        .guarded(base("publisher.documents.get-content", "GET", CONTENT, "Read a document's content."), VIEW, content)
        .guarded(
            base("publisher.documents.content", "POST", CONTENT, "Store a document's content."),
            DOCUMENT,
            put_content,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let list = control.documents(&Actor::of(&permit), api_id(&call)?).await?;
    Ok(json(StatusCode::OK, &page.answer(list)))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let given: Value = call.json()?;
    let made = control.add_document(&Actor::of(&permit), id, &given).await?;
    let document = made.get("documentId").and_then(Value::as_str).unwrap_or_default();
    Ok(created(&format!("/api/am/publisher/v4/apis/{id}/documents/{document}"), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let found = control.document(&Actor::of(&permit), api_id(&call)?, call.path("documentId")?).await?;
    Ok(json(StatusCode::OK, &found))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let given: Value = call.json()?;
    let changed =
        control.update_document(&Actor::of(&permit), api_id(&call)?, call.path("documentId")?, &given).await?;
    Ok(json(StatusCode::OK, &changed))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.delete_document(&Actor::of(&permit), api_id(&call)?, call.path("documentId")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn content(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let file = control.document_content(&Actor::of(&permit), api_id(&call)?, call.path("documentId")?).await?;
    Ok(file_answer(file.media_type.as_str(), file.bytes))
}

/// A stored file; a browser may show pictures and text and saves everything else.
pub(crate) fn file_answer(media_type: &str, bytes: Vec<u8>) -> Answer {
    let answer = with_header(text(StatusCode::OK, "application/octet-stream", bytes), header::CONTENT_TYPE, media_type);
    let shown = media_type.starts_with("image/") || media_type == "text/plain" || media_type == "application/json";
    with_header(answer, header::CONTENT_DISPOSITION, if shown { "inline" } else { "attachment" })
}

async fn put_content(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let (actor, id, document) = (Actor::of(&permit), api_id(&call)?, call.path("documentId")?);
    let stored = match (form.files.get("file"), form.text("inlineContent")) {
        (Some(file), _) => {
            control.put_document_content(&actor, id, document, Some(&file.file_name), file.bytes.clone()).await?
        }
        (None, Some(inline)) => control.put_document_content(&actor, id, document, None, inline.into()).await?,
        (None, None) => return Err(RestError::bad_request("Send the content as file or as inlineContent.").into()),
    };
    Ok(json(StatusCode::CREATED, &stored))
}
