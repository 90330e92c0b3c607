//! API categories.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::actor;
use crate::field::Field;
use crate::{Control, ControlError, category};

const VIEW: &[&str] = &["apim:admin", "apim:admin_operations"];
const MANAGE: &[&str] = &["apim:admin", "apim:admin_operations"];
const PATH: &str = "/api/am/admin/v4/api-categories";
const ONE: &str = "/api/am/admin/v4/api-categories/{apiCategoryId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("admin.api-categories.list", "GET", PATH, "List them"), VIEW, list)
        .guarded(Operation::new("admin.api-categories.create", "POST", PATH, "Add an API category"), MANAGE, create)
        .guarded(Operation::new("admin.api-categories.update", "PUT", ONE, "Replace an API category"), MANAGE, update)
        .guarded(Operation::new("admin.api-categories.delete", "DELETE", ONE, "Remove an API category"), MANAGE, delete)
}

async fn list(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &category::list(&control, actor.tenant(), true).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let made = category::create(&control, &actor, &call.json()?).await?;
    Ok(created(&format!("{PATH}/{}", made.at("id").as_str().unwrap_or_default()), &made))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = call.path("apiCategoryId")?;
    Ok(json(StatusCode::OK, &category::update(&control, &actor, id, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    category::delete(&control, &actor, call.path("apiCategoryId")?).await?;
    Ok(no_content(StatusCode::OK))
}
