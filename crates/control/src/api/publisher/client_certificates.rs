//! Certificates of clients that an API accepts. The paths with a key type are the newer ones; both are served.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json, no_content};

use super::api_id;
use super::documents::file_answer;
use crate::api::page::{Page, renamed};
use crate::{Actor, Control, ControlError};

const ALL: &str = "/api/am/publisher/v4/apis/{apiId}/client-certificates";
const ONE: &str = "/api/am/publisher/v4/apis/{apiId}/client-certificates/{alias}";
const CONTENT: &str = "/api/am/publisher/v4/apis/{apiId}/client-certificates/{alias}/content";
const TYPED: &str = "/api/am/publisher/v4/apis/{apiId}/client-certs/{keyType}";
const TYPED_ONE: &str = "/api/am/publisher/v4/apis/{apiId}/client-certs/{keyType}/{alias}";
const TYPED_CONTENT: &str = "/api/am/publisher/v4/apis/{apiId}/client-certs/{keyType}/{alias}/content";
const VIEW: &[&str] =
    &["apim:client_certificates_view", "apim:client_certificates_manage", "apim:api_view", "apim:api_manage"];
const ADD: &[&str] =
    &["apim:client_certificates_add", "apim:client_certificates_manage", "apim:api_create", "apim:api_manage"];
const CHANGE: &[&str] =
    &["apim:client_certificates_update", "apim:client_certificates_manage", "apim:api_create", "apim:api_manage"];

pub(super) fn routes() -> RouteTable<Control> {
    let base = Operation::new;
    let (listing, adding) = ("List the client certificates of an API.", "Accept a client by its certificate.");
    let (reading, replacing) = ("Read a client certificate.", "Replace a client certificate or its plan.");
    let (removing, loading) = ("Take a client certificate away.", "Download a client certificate.");
    RouteTable::new()
        .guarded(base("publisher.client-certificates.list", "GET", ALL, listing), VIEW, list)
        .guarded(base("publisher.client-certificates.create", "POST", ALL, adding), ADD, add)
        .guarded(base("publisher.client-certificates.get", "GET", ONE, reading), VIEW, get)
        .guarded(base("publisher.client-certificates.update", "PUT", ONE, replacing), CHANGE, replace)
        .guarded(base("publisher.client-certificates.delete", "DELETE", ONE, removing), CHANGE, delete)
        .guarded(base("publisher.client-certificates.content", "GET", CONTENT, loading), VIEW, content)
        .guarded(base("publisher.client-certs.list", "GET", TYPED, listing), VIEW, list)
        .guarded(base("publisher.client-certs.create", "POST", TYPED, adding), ADD, add)
        .guarded(base("publisher.client-certs.get", "GET", TYPED_ONE, reading), VIEW, get)
        .guarded(base("publisher.client-certs.update", "PUT", TYPED_ONE, replacing), CHANGE, replace)
        .guarded(base("publisher.client-certs.delete", "DELETE", TYPED_ONE, removing), CHANGE, delete)
        .guarded(base("publisher.client-certs.content", "GET", TYPED_CONTENT, loading), VIEW, content)
}

/// The key type of the newer paths; empty on the others.
fn key_type(call: &Call) -> &str {
    call.path("keyType").unwrap_or_default()
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let filter = (key_type(&call), call.query("alias").unwrap_or_default());
    let found = control.client_certificates(&Actor::of(&permit), api_id(&call)?, filter).await?;
    Ok(json(StatusCode::OK, &renamed(page.answer(found), "certificates")))
}

async fn add(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let file = form.files.get("certificate").ok_or_else(|| RestError::bad_request("Send the file as certificate."))?;
    let text = |name: &str| form.text(name).unwrap_or_default().trim().to_owned();
    let (alias, tier) = (text("alias"), text("tier"));
    let (id, kind) = (api_id(&call)?, key_type(&call));
    let made = control.add_client_certificate(&Actor::of(&permit), id, (kind, &alias, &tier), &file.bytes).await?;
    let place = format!("/api/am/publisher/v4/apis/{id}/client-certificates/{alias}");
    Ok(created(&place, &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let which = (key_type(&call), call.path("alias")?);
    let (detail, _) = control.client_certificate(&Actor::of(&permit), api_id(&call)?, which).await?;
    Ok(json(StatusCode::OK, &detail))
}

async fn replace(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let bytes = form.files.get("certificate").map(|file| file.bytes.as_ref());
    let tier = form.text("tier").unwrap_or_default().trim().to_owned();
    let which = (key_type(&call), call.path("alias")?, tier.as_str());
    let changed = control.replace_client_certificate(&Actor::of(&permit), api_id(&call)?, which, bytes).await?;
    Ok(json(StatusCode::OK, &changed))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let which = (key_type(&call), call.path("alias")?);
    control.delete_client_certificate(&Actor::of(&permit), api_id(&call)?, which).await?;
    Ok(no_content(StatusCode::OK))
}

async fn content(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let which = (key_type(&call), call.path("alias")?);
    let (_, bytes) = control.client_certificate(&Actor::of(&permit), api_id(&call)?, which).await?;
    Ok(file_answer("application/octet-stream", bytes))
}
