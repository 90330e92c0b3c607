//! Pictures of APIs.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json as object;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json, no_content};

use super::documents::file_answer;
use super::{CHANGE, VIEW, api_id};
use crate::{Actor, Control, ControlError};

/// A picture of 1 MiB in a form.
const BODY: usize = 1024 * 1024 + 64 * 1024;
const PATH: &str = "/api/am/publisher/v4/apis/{apiId}/thumbnail";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("publisher.apis.get-thumbnail", "GET", PATH, "Read the picture of an API."), VIEW, get)
        .guarded(
            Operation::new("publisher.apis.put-thumbnail", "PUT", PATH, "Store the picture of an API.")
                .body_limit(BODY),
            CHANGE,
            put,
        )
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(match control.thumbnail(&Actor::of(&permit), api_id(&call)?).await? {
        Some(file) => file_answer(&file.media_type, file.bytes),
        None => no_content(StatusCode::NO_CONTENT),
    })
}

async fn put(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let form = call.multipart().await?;
    let file = form.files.get("file").ok_or_else(|| RestError::bad_request("Send the picture as file."))?;
    control.put_thumbnail(&Actor::of(&permit), id, file.bytes.clone()).await?;
    let address = format!("/api/am/publisher/v4/apis/{id}/thumbnail");
    Ok(json(StatusCode::CREATED, &object!({"relativePath": address, "mediaType": "image/*"})))
}
