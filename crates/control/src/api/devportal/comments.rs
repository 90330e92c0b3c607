//! Comments.

use std::sync::Arc;

use http::StatusCode;
use model::ApiId;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::{OPEN, SUBSCRIBE, viewer};
use crate::api::page::Page;
use crate::comment::{self, EntryPoint};
use crate::discovery::{self, Viewer};
use crate::field::Field;
use crate::{Actor, Control, ControlError};

const PATH: &str = "/api/am/devportal/v3/apis/{apiId}/comments";
const ONE: &str = "/api/am/devportal/v3/apis/{apiId}/comments/{commentId}";
const REPLIES: &str = "/api/am/devportal/v3/apis/{apiId}/comments/{commentId}/replies";
const REMOVE: &[&str] = &["apim:subscribe", "apim:admin"];

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .optional(Operation::new("devportal.comments.list", "GET", PATH, "List an API's comments"), OPEN, list)
        .guarded(Operation::new("devportal.comments.create", "POST", PATH, "Comment on an API"), SUBSCRIBE, create)
        .optional(Operation::new("devportal.comments.get", "GET", ONE, "Read a comment"), OPEN, get)
        .guarded(Operation::new("devportal.comments.update", "PATCH", ONE, "Change a comment"), SUBSCRIBE, update)
        .guarded(Operation::new("devportal.comments.delete", "DELETE", ONE, "Remove a comment"), REMOVE, delete)
        .optional(Operation::new("devportal.comments.replies", "GET", REPLIES, "List replies"), OPEN, replies)
}

/// The API of the request, if the caller may see it.
async fn api(control: &Control, viewer: &Viewer, call: &Call) -> Result<ApiId, ControlError> {
    let mut work = control.read().await?;
    Ok(discovery::find(&mut work, viewer, call.path_id("apiId")?).await?.0.id)
}

async fn list(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    Ok(json(StatusCode::OK, &comment::list(&control, api, &Page::of(&call)?).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, Some(&permit), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    let actor = Actor::of(&permit);
    let parent = call.query("replyTo");
    let made = comment::create(&control, &actor, api, parent, EntryPoint::Devportal, &call.json()?).await?;
    Ok(created(&format!("{}/{}", call.uri.path(), made.at("id").as_str().unwrap_or_default()), &made))
}

async fn get(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    let limit = call.query_or("replyLimit", 25_usize)?.min(100);
    let offset = call.query_or("replyOffset", 0_usize)?;
    let id = call.path_id("commentId")?;
    Ok(json(StatusCode::OK, &comment::get(&control, api, id, limit, offset).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, Some(&permit), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    let id = call.path_id("commentId")?;
    Ok(json(StatusCode::OK, &comment::update(&control, &Actor::of(&permit), api, id, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, Some(&permit), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    comment::delete(&control, &Actor::of(&permit), api, call.path_id("commentId")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn replies(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    let id = call.path_id("commentId")?;
    Ok(json(StatusCode::OK, &comment::replies(&control, api, id, &Page::of(&call)?).await?))
}
