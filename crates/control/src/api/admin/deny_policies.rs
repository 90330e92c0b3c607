//! Deny policies.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::actor;
use crate::field::Field;
use crate::{Control, ControlError, deny};

const VIEW: &[&str] = &["apim:admin", "apim:bl_view"];
const MANAGE: &[&str] = &["apim:admin", "apim:bl_manage"];
const PATH: &str = "/api/am/admin/v4/throttling/deny-policies";
const ONE: &str = "/api/am/admin/v4/throttling/deny-policy/{conditionId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("admin.deny-policies.list", "GET", PATH, "List or find deny policies"), VIEW, list)
        .guarded(Operation::new("admin.deny-policies.create", "POST", PATH, "Add a deny policy"), MANAGE, create)
        .guarded(Operation::new("admin.deny-policies.get", "GET", ONE, "Read a deny policy"), VIEW, get)
        .guarded(
            Operation::new("admin.deny-policies.status", "PATCH", ONE, "Switch a deny policy on or off"),
            MANAGE,
            set_status,
        )
        .guarded(Operation::new("admin.deny-policies.delete", "DELETE", ONE, "Remove a deny policy"), MANAGE, delete)
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &deny::list(&control, &actor, call.query("query").unwrap_or_default()).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let policy = deny::create(&control, &actor, &call.json()?).await?;
    let id = policy.at("conditionId").as_str().unwrap_or_default();
    Ok(created(&format!("/api/am/admin/v4/throttling/deny-policy/{id}"), &policy))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &deny::get(&control, &actor, call.path_id("conditionId")?).await?))
}

async fn set_status(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = call.path_id("conditionId")?;
    Ok(json(StatusCode::OK, &deny::set_status(&control, &actor, id, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    deny::delete(&control, &actor, call.path_id("conditionId")?).await?;
    Ok(no_content(StatusCode::OK))
}
