//! Ratings.

use std::sync::Arc;

use http::StatusCode;
use model::ApiId;
use web::{Answer, Call, Operation, Permit, RouteTable, json, no_content};

use super::{OPEN, SUBSCRIBE, viewer};
use crate::api::page::Page;
use crate::discovery::{self, Viewer};
use crate::{Actor, Control, ControlError, comment};

const MINE: &str = "/api/am/devportal/v3/apis/{apiId}/user-rating";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .optional(
            Operation::new(
                "devportal.ratings.list",
                "GET",
                "/api/am/devportal/v3/apis/{apiId}/ratings",
                "List an API's ratings",
            ),
            OPEN,
            list,
        )
        .guarded(Operation::new("devportal.ratings.get", "GET", MINE, "Read one's rating"), SUBSCRIBE, get)
        .guarded(Operation::new("devportal.ratings.put", "PUT", MINE, "Rate an API"), SUBSCRIBE, put)
        .guarded(Operation::new("devportal.ratings.delete", "DELETE", MINE, "Take a rating back"), SUBSCRIBE, delete)
}

async fn api(control: &Control, viewer: &Viewer, call: &Call) -> Result<ApiId, ControlError> {
    let mut work = control.read().await?;
    Ok(discovery::find(&mut work, viewer, call.path_id("apiId")?).await?.0.id)
}

async fn list(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    let page = Page::of(&call)?;
    Ok(json(StatusCode::OK, &comment::ratings(&control, viewer.actor.as_ref(), api, &page).await?))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, Some(&permit), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    Ok(json(StatusCode::OK, &comment::user_rating(&control, &Actor::of(&permit), api).await?))
}

async fn put(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, Some(&permit), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    Ok(json(StatusCode::OK, &comment::rate(&control, &Actor::of(&permit), api, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, Some(&permit), &call).await?;
    let api = api(&control, &viewer, &call).await?;
    comment::unrate(&control, &Actor::of(&permit), api).await?;
    Ok(no_content(StatusCode::OK))
}
