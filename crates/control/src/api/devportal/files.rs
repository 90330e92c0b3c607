//! Documents and thumbnails.

use std::sync::Arc;

use http::{StatusCode, header};
use web::{Answer, Call, Operation, Permit, RouteTable, json, no_content, text, with_header};

use super::{OPEN, viewer};
use crate::api::page::Page;
use crate::discovery::definition;
use crate::discovery::documents::{self, Content};
use crate::publishing::THUMBNAIL;
use crate::{Control, ControlError};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .optional(
            Operation::new(
                "devportal.documents.list",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/documents",
                "List an API's documents",
            ),
            OPEN,
            list,
        )
        .optional(
            Operation::new(
                "devportal.documents.get",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/documents/{documentId}",
                "Read what a document is about",
            ),
            OPEN,
            get,
        )
        .optional(
            Operation::new(
                "devportal.documents.content",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/documents/{documentId}/content",
                "Read a document",
            ),
            OPEN,
            content,
        )
        .optional(
            Operation::new(
                "devportal.apis.thumbnail",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/thumbnail",
                "Read an API's picture",
            ),
            OPEN,
            thumbnail,
        )
}

async fn list(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let id = call.path_id("apiId")?;
    Ok(json(StatusCode::OK, &documents::list(&control, &viewer, id, &Page::of(&call)?).await?))
}

async fn get(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let id = call.path_id("apiId")?;
    Ok(json(StatusCode::OK, &documents::get(&control, &viewer, id, call.path("documentId")?).await?))
}

async fn content(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let id = call.path_id("apiId")?;
    Ok(match documents::content(&control, &viewer, id, call.path("documentId")?).await? {
        Content::Link(url) => with_header(no_content(StatusCode::SEE_OTHER), header::LOCATION, &url),
        Content::Bytes(media_type, bytes, file_name) => {
            let answer = text(StatusCode::OK, "application/octet-stream", bytes);
            let answer = with_header(answer, header::CONTENT_TYPE, &media_type);
            match file_name {
                Some(name) => {
                    // Only what cannot end the quoted text or the header.
                    let plain: String =
                        name.chars().filter(|c| c.is_ascii_graphic() && !"\"\\;".contains(*c)).collect();
                    let value = format!("attachment; filename=\"{plain}\"");
                    with_header(answer, header::CONTENT_DISPOSITION, &value)
                }
                None => answer,
            }
        }
    })
}

async fn thumbnail(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let (media_type, bytes) = definition::file(&control, &viewer, call.path_id("apiId")?, THUMBNAIL).await?;
    Ok(with_header(text(StatusCode::OK, "application/octet-stream", bytes), header::CONTENT_TYPE, &media_type))
}
