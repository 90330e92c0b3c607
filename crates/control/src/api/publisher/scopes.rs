//! Shared scopes, and checks of scope and role names.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::Value;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::{CREATE, VIEW};
use crate::api::page::Page;
use crate::{Actor, Control, ControlError};

const MANAGE: &[&str] = &["apim:shared_scope_manage", "apim:scope_manage"];
const ALL: &str = "/api/am/publisher/v4/scopes";
const ONE: &str = "/api/am/publisher/v4/scopes/{scopeId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("publisher.scopes.list", "GET", ALL, "List the shared scopes."), VIEW, list)
        .guarded(Operation::new("publisher.scopes.create", "POST", ALL, "Add a shared scope."), MANAGE, create)
        .guarded(Operation::new("publisher.scopes.get", "GET", ONE, "Read a shared scope."), VIEW, get)
        .guarded(Operation::new("publisher.scopes.update", "PUT", ONE, "Replace a shared scope."), MANAGE, update)
        .guarded(Operation::new("publisher.scopes.delete", "DELETE", ONE, "Remove a shared scope."), MANAGE, delete)
        .guarded(
            Operation::new(
                "publisher.scopes.exists",
                "HEAD",
                ONE,
                "Tell whether a scope name (base64url) is taken: 200 if so, 404 if not.",
            ),
            CREATE,
            scope_exists,
        )
        .guarded(
            Operation::new(
                "publisher.roles.exists",
                "HEAD",
                "/api/am/publisher/v4/roles/{roleId}",
                "Tell whether a role (base64url of its name) exists.",
            ),
            VIEW,
            role_exists,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    Ok(json(StatusCode::OK, &page.answer(control.shared_scopes(&Actor::of(&permit)).await?)))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let given: Value = call.json()?;
    let made = control.create_shared_scope(&Actor::of(&permit), &given).await?;
    let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
    Ok(created(&format!("{ALL}/{id}"), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.shared_scope(&Actor::of(&permit), call.path("scopeId")?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let given: Value = call.json()?;
    let changed = control.update_shared_scope(&Actor::of(&permit), call.path("scopeId")?, &given).await?;
    Ok(json(StatusCode::OK, &changed))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.delete_shared_scope(&Actor::of(&permit), call.path("scopeId")?).await?;
    Ok(no_content(StatusCode::OK))
}

/// A name that clients send as base64url; what is not that cannot exist.
fn decoded(text: &str) -> Result<String, ControlError> {
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ControlError::not_found("The name is not base64url text."))
}

async fn scope_exists(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.scope_exists(&Actor::of(&permit), &decoded(call.path("scopeId")?)?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn role_exists(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.role_exists(&Actor::of(&permit), &decoded(call.path("roleId")?)?).await?;
    Ok(no_content(StatusCode::OK))
}
