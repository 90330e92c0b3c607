//! Gateway environments.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::actor;
use crate::field::Field;
use crate::{Control, ControlError, environment};

const VIEW: &[&str] = &["apim:admin", "apim:environment_read"];
const MANAGE: &[&str] = &["apim:admin", "apim:environment_manage"];
const PATH: &str = "/api/am/admin/v4/environments";
const ONE: &str = "/api/am/admin/v4/environments/{environmentId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("admin.environments.list", "GET", PATH, "List gateway environments"), VIEW, list)
        .guarded(Operation::new("admin.environments.create", "POST", PATH, "Add an environment"), MANAGE, create)
        .guarded(Operation::new("admin.environments.get", "GET", ONE, "Read an environment"), VIEW, get)
        .guarded(Operation::new("admin.environments.update", "PUT", ONE, "Replace an environment"), MANAGE, update)
        .guarded(Operation::new("admin.environments.delete", "DELETE", ONE, "Remove an environment"), MANAGE, delete)
}

async fn list(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &environment::list(&control, &actor).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let made = environment::create(&control, &actor, &call.json()?).await?;
    Ok(created(&format!("{PATH}/{}", made.at("id").as_str().unwrap_or_default()), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &environment::get(&control, &actor, call.path("environmentId")?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = call.path("environmentId")?;
    Ok(json(StatusCode::OK, &environment::update(&control, &actor, id, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    environment::delete(&control, &actor, call.path("environmentId")?).await?;
    Ok(no_content(StatusCode::OK))
}
