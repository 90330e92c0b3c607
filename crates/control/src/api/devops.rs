//! The DevOps REST API, version 0 (`/api/am/devops/v0`): what the server logs, decided at run time.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use crate::{Actor, Control, ControlError, logging};

const ADMIN: &[&str] = &["apim:admin"];
const APIS: &str = "/api/am/devops/v0/tenant-logs/{tenant}/apis";
const ONE: &str = "/api/am/devops/v0/tenant-logs/{tenant}/apis/{apiId}";

/// All operations.
pub(crate) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("devops.api-logging.list", "GET", APIS, "List the log levels of APIs"), ADMIN, list)
        .guarded(Operation::new("devops.api-logging.get", "GET", ONE, "Read the log levels of an API"), ADMIN, get)
        .guarded(Operation::new("devops.api-logging.update", "PUT", ONE, "Set the log level of an API"), ADMIN, update)
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let wanted = (None, call.query("log-level"));
    let found = logging::list(&control, &Actor::of(&permit), call.path("tenant")?, wanted).await?;
    Ok(json(StatusCode::OK, &found))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let wanted = (Some(call.path_id("apiId")?), call.query("log-level"));
    let found = logging::list(&control, &Actor::of(&permit), call.path("tenant")?, wanted).await?;
    Ok(json(StatusCode::OK, &found))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = call.path_id("apiId")?;
    let set = logging::put(&control, &Actor::of(&permit), call.path("tenant")?, id, &call.json()?).await?;
    Ok(json(StatusCode::OK, &set))
}
