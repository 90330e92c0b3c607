//! Certificates of upstream servers.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json, no_content};

use super::documents::file_answer;
use crate::api::page::{Page, renamed};
use crate::{Actor, Control, ControlError};

const ALL: &str = "/api/am/publisher/v4/endpoint-certificates";
const ONE: &str = "/api/am/publisher/v4/endpoint-certificates/{alias}";
const VIEW: &[&str] = &["apim:ep_certificates_view", "apim:ep_certificates_manage", "apim:api_view", "apim:api_manage"];
const ADD: &[&str] = &["apim:ep_certificates_add", "apim:ep_certificates_manage", "apim:api_create", "apim:api_manage"];
const CHANGE: &[&str] =
    &["apim:ep_certificates_update", "apim:ep_certificates_manage", "apim:api_create", "apim:api_manage"];

pub(super) fn routes() -> RouteTable<Control> {
    let base = Operation::new;
    RouteTable::new()
        .guarded(base("publisher.endpoint-certificates.list", "GET", ALL, "List upstream certificates."), VIEW, list)
        .guarded(base("publisher.endpoint-certificates.create", "POST", ALL, "Add an upstream certificate."), ADD, add)
        .guarded(base("publisher.endpoint-certificates.get", "GET", ONE, "Read an upstream certificate."), VIEW, get)
        .guarded(
            base("publisher.endpoint-certificates.update", "PUT", ONE, "Replace an upstream certificate."),
            CHANGE,
            replace,
        )
        .guarded(
            base("publisher.endpoint-certificates.delete", "DELETE", ONE, "Remove an upstream certificate."),
            CHANGE,
            delete,
        )
        .guarded(
            base(
                "publisher.endpoint-certificates.content",
                "GET",
                "/api/am/publisher/v4/endpoint-certificates/{alias}/content",
                "Download an upstream certificate.",
            ),
            VIEW,
            content,
        )
        .guarded(
            base(
                "publisher.endpoint-certificates.usage",
                "GET",
                "/api/am/publisher/v4/endpoint-certificates/{alias}/usage",
                "List the APIs at the address of an upstream certificate.",
            ),
            VIEW,
            usage,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let text = |name: &str| call.query(name).unwrap_or_default();
    let found = control.endpoint_certificates(&Actor::of(&permit), text("alias"), text("endpoint")).await?;
    Ok(json(StatusCode::OK, &renamed(page.answer(found), "certificates")))
}

async fn add(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let file = form.files.get("certificate").ok_or_else(|| RestError::bad_request("Send the file as certificate."))?;
    let text = |name: &str| form.text(name).unwrap_or_default().trim().to_owned();
    let (alias, endpoint) = (text("alias"), text("endpoint"));
    let made = control.add_endpoint_certificate(&Actor::of(&permit), &alias, &endpoint, &file.bytes).await?;
    Ok(created(&format!("{ALL}/{alias}"), &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.endpoint_certificate(&Actor::of(&permit), call.path("alias")?).await?))
}

async fn replace(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let file = form.files.get("certificate").ok_or_else(|| RestError::bad_request("Send the file as certificate."))?;
    let alias = call.path("alias")?;
    Ok(json(StatusCode::OK, &control.replace_endpoint_certificate(&Actor::of(&permit), alias, &file.bytes).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.delete_endpoint_certificate(&Actor::of(&permit), call.path("alias")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn content(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let bytes = control.endpoint_certificate_file(&Actor::of(&permit), call.path("alias")?).await?;
    Ok(file_answer("application/octet-stream", bytes))
}

async fn usage(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let found: Vec<Value> = control.endpoint_certificate_usage(&Actor::of(&permit), call.path("alias")?).await?;
    Ok(json(StatusCode::OK, &page.answer(found)))
}
