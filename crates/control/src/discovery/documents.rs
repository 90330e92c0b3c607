//! Documents of an API, as far as their authors show them to consumers.

use model::ApiId;
use serde_json::Value;
use store::repository::document::{self, DocumentRow};

use super::{Viewer, find};
use crate::api::page::Page;
use crate::field::Field;
use crate::publishing::{document_content, document_object};
use crate::{Control, ControlError};

/// What a document's content is.
pub(crate) enum Content {
    /// Bytes of a media type, with the file's name when it is a file.
    Bytes(String, Vec<u8>, Option<String>),
    /// Elsewhere.
    Link(String),
}

/// A document as consumers see it, unless it is not for them.
fn shown(row: &DocumentRow, viewer: &Viewer) -> Option<Value> {
    let mut body = document_object(row).ok()?;
    let visible = match body.at("visibility").as_str() {
        Some("OWNER_ONLY") => false,
        Some("PRIVATE") => viewer.is_member(),
        _ => true,
    };
    let object = body.as_object_mut().filter(|_| visible)?;
    object.remove("visibility");
    Some(body)
}

fn unknown(id: &str) -> ControlError {
    ControlError::not_found(format!("The API has no document with the id {id:?}."))
}

/// All documents.
pub(crate) async fn list(control: &Control, viewer: &Viewer, id: ApiId, page: &Page) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (row, _) = find(&mut work, viewer, id).await?;
    let documents = document::list(&mut work, row.id).await?;
    Ok(page.answer(documents.iter().filter_map(|document| shown(document, viewer)).collect()))
}

/// One document.
pub(crate) async fn get(control: &Control, viewer: &Viewer, id: ApiId, name: &str) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (row, _) = find(&mut work, viewer, id).await?;
    let found = document::find(&mut work, row.id, name).await?;
    found.and_then(|document| shown(&document, viewer)).ok_or_else(|| unknown(name))
}

/// The content of a document.
pub(crate) async fn content(
    control: &Control,
    viewer: &Viewer,
    id: ApiId,
    name: &str,
) -> Result<Content, ControlError> {
    let mut work = control.read().await?;
    let (row, _) = find(&mut work, viewer, id).await?;
    let found = document::find(&mut work, row.id, name).await?.ok_or_else(|| unknown(name))?;
    let body = shown(&found, viewer).ok_or_else(|| unknown(name))?;
    if body.at("sourceType") == "URL" {
        return Ok(Content::Link(body.at("sourceUrl").as_str().unwrap_or_default().to_owned()));
    }
    let file = document_content(&mut work, row.id, name).await?;
    Ok(Content::Bytes(file.media_type, file.bytes, body.at("fileName").as_str().map(str::to_owned)))
}
