//! Key managers.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::actor;
use crate::field::Field;
use crate::key_manager::{discover, registry};
use crate::{Control, ControlError};

const SCOPES: &[&str] = &["apim:admin", "apim:admin_operations"];
const PATH: &str = "/api/am/admin/v4/key-managers";
const ONE: &str = "/api/am/admin/v4/key-managers/{keyManagerId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("admin.key-managers.list", "GET", PATH, "List key managers"), SCOPES, list)
        .guarded(Operation::new("admin.key-managers.create", "POST", PATH, "Register a key manager"), SCOPES, create)
        .guarded(
            Operation::new(
                "admin.key-managers.discover",
                "POST",
                "/api/am/admin/v4/key-managers/discover",
                "Read a key manager's OpenID Connect discovery document",
            ),
            SCOPES,
            discover_one,
        )
        .guarded(Operation::new("admin.key-managers.get", "GET", ONE, "Read a key manager"), SCOPES, get)
        .guarded(Operation::new("admin.key-managers.update", "PUT", ONE, "Replace a key manager"), SCOPES, update)
        .guarded(Operation::new("admin.key-managers.delete", "DELETE", ONE, "Remove a key manager"), SCOPES, delete)
}

async fn list(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &registry::list(&control, &actor).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let made = registry::create(&control, &actor, &call.json()?).await?;
    Ok(created(&format!("{PATH}/{}", made.at("id").as_str().unwrap_or_default()), &made))
}

async fn discover_one(control: Arc<Control>, _: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let url = form.text("url").unwrap_or_default();
    let kind = form.text("type").unwrap_or_default();
    Ok(json(StatusCode::OK, &discover::discover(&control, &url, &kind).await?))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &registry::get(&control, &actor, call.path("keyManagerId")?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = call.path("keyManagerId")?;
    Ok(json(StatusCode::OK, &registry::update(&control, &actor, id, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    registry::delete(&control, &actor, call.path("keyManagerId")?).await?;
    Ok(no_content(StatusCode::OK))
}
