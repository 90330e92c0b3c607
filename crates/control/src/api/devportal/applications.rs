//! Applications.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json as object;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::{APPLICATIONS, addressed, consumer};
use crate::api::page::Page;
use crate::application::{create as making, delete as removal, list as lists, reset, update as change};
use crate::field::Field;
use crate::{Control, ControlError};

const PATH: &str = "/api/am/devportal/v3/applications";
const ONE: &str = "/api/am/devportal/v3/applications/{applicationId}";
const READ: &[&str] = &["apim:subscribe", "apim:app_manage", "apim:app_import_export"];

const RESET: &[&str] = &["apim:subscribe", "apim:app_manage", "apim:admin"];

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("devportal.applications.list", "GET", PATH, "List applications"), READ, list)
        .guarded(Operation::new("devportal.applications.create", "POST", PATH, "Make one"), APPLICATIONS, create)
        .guarded(Operation::new("devportal.applications.get", "GET", ONE, "Read an application"), APPLICATIONS, get)
        .guarded(Operation::new("devportal.applications.update", "PUT", ONE, "Change one"), APPLICATIONS, update)
        .guarded(Operation::new("devportal.applications.delete", "DELETE", ONE, "Remove an application"), READ, delete)
        .guarded(
            Operation::new(
                "devportal.applications.reset-throttle-policy",
                "POST",
                "/api/am/devportal/v3/applications/{applicationId}/reset-throttle-policy",
                "Let a user's next call be the first of its window",
            ),
            RESET,
            reset_limit,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let page = Page::of(&call)?;
    let descending = call.query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("desc"));
    let query = call.query("query").unwrap_or_default();
    Ok(json(StatusCode::OK, &lists::list(&control, &actor, &page, query, descending).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let made = making::create(&control, &actor, &call.json()?).await?;
    Ok(created(&format!("{PATH}/{}", made.at("applicationId").as_str().unwrap_or_default()), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("applicationId")?;
    Ok(json(StatusCode::OK, &lists::get(&control, &actor, id, addressed(&call)).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("applicationId")?;
    Ok(json(StatusCode::OK, &change::update(&control, &actor, id, &call.json()?).await?))
}

async fn reset_limit(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let input: serde_json::Value = call.json()?;
    let user = input.at("userName").as_str().unwrap_or_default();
    reset::reset(&control, &actor, call.path_id("applicationId")?, user).await?;
    Ok(no_content(StatusCode::OK))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let waits = removal::delete(&control, &actor, call.path_id("applicationId")?).await?;
    let answer = || json(StatusCode::CREATED, &object!({"workflowStatus": "CREATED", "jsonPayload": null}));
    Ok(if waits { answer() } else { no_content(StatusCode::OK) })
}
