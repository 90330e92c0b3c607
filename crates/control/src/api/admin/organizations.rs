//! Organizations of consumers.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::actor;
use crate::field::Field;
use crate::{Control, ControlError, organization};

const VIEW: &[&str] = &["apim:admin", "apim:organization_read"];
const MANAGE: &[&str] = &["apim:admin", "apim:organization_manage"];
const PATH: &str = "/api/am/admin/v4/organizations";
const ONE: &str = "/api/am/admin/v4/organizations/{organizationId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("admin.organizations.list", "GET", PATH, "List them"), VIEW, list)
        .guarded(Operation::new("admin.organizations.create", "POST", PATH, "Add an organization"), MANAGE, create)
        .guarded(Operation::new("admin.organizations.get", "GET", ONE, "Read an organization"), VIEW, get)
        .guarded(Operation::new("admin.organizations.update", "PUT", ONE, "Replace an organization"), MANAGE, update)
        .guarded(Operation::new("admin.organizations.delete", "DELETE", ONE, "Remove an organization"), MANAGE, delete)
}

async fn list(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &organization::list(&control, &actor).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let made = organization::create(&control, &actor, &call.json()?).await?;
    Ok(created(&format!("{PATH}/{}", made.at("organizationId").as_str().unwrap_or_default()), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &organization::get(&control, &actor, call.path("organizationId")?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = call.path("organizationId")?;
    Ok(json(StatusCode::OK, &organization::update(&control, &actor, id, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    organization::delete(&control, &actor, call.path("organizationId")?).await?;
    Ok(no_content(StatusCode::OK))
}
