//! `/apis`: create, read, replace, remove, list, copy, validate.

use std::sync::Arc;

use http::StatusCode;
use model::ApiDocument;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::{CHANGE, CREATE, DELETE, VIEW, api_id, flag, query_id};
use crate::api::page::Page;
use crate::{Actor, ApiQuery, Control, ControlError};

/// Largest API object, bytes.
const BODY: usize = 4 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    let base = |id, method, path, summary| Operation::new(id, method, path, summary).body_limit(BODY);
    RouteTable::new()
        .guarded(
            base("publisher.apis.list", "GET", "/api/am/publisher/v4/apis", "List or search APIs."),
            &["apim:api_view", "apim:api_list_view", "apim:api_import_export", "apim:api_manage"],
            list,
        )
        .guarded(base("publisher.apis.create", "POST", "/api/am/publisher/v4/apis", "Create an API."), CREATE, create)
        .guarded(
            base("publisher.apis.get", "GET", "/api/am/publisher/v4/apis/{apiId}", "Read an API or a revision of it."),
            VIEW,
            get,
        )
        .guarded(
            base("publisher.apis.update", "PUT", "/api/am/publisher/v4/apis/{apiId}", "Replace an API."),
            CHANGE,
            update,
        )
        .guarded(
            base("publisher.apis.delete", "DELETE", "/api/am/publisher/v4/apis/{apiId}", "Remove an API."),
            DELETE,
            delete,
        )
        .guarded(
            base("publisher.apis.copy", "POST", "/api/am/publisher/v4/apis/copy-api", "Make a new version of an API."),
            CREATE,
            copy,
        )
        .guarded(
            base(
                "publisher.apis.validate",
                "POST",
                "/api/am/publisher/v4/apis/validate",
                "Tell whether a name or context is taken: 200 if so, 404 if not.",
            ),
            CREATE,
            validate,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let wanted = ApiQuery::of(call.query("query").unwrap_or_default(), page.part());
    let found = control.search_apis(&Actor::of(&permit), &wanted).await?;
    Ok(json(StatusCode::OK, &page.list(found.total, found.entries)))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let document: ApiDocument = call.json()?;
    let made = control.create_api(&Actor::of(&permit), document).await?;
    Ok(created(&location(&made), &made))
}

/// Where a created API can be read.
pub(super) fn location(api: &ApiDocument) -> String {
    format!("/api/am/publisher/v4/apis/{}", api.text("id"))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    api_id(&call)?;
    let found = control.api(&Actor::of(&permit), call.path("apiId")?).await?;
    Ok(json(StatusCode::OK, &found))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let document: ApiDocument = call.json()?;
    let changed = control.update_api(&Actor::of(&permit), api_id(&call)?, document).await?;
    Ok(json(StatusCode::OK, &changed))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.delete_api(&Actor::of(&permit), api_id(&call)?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn copy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = query_id(&call, "apiId")?;
    let version = call.query("newVersion").unwrap_or_default();
    let made = control.copy_api(&Actor::of(&permit), id, version, flag(&call, "defaultVersion", false)).await?;
    Ok(created(&location(&made), &made))
}

async fn validate(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.api_exists(&Actor::of(&permit), call.query("query").unwrap_or_default()).await?;
    Ok(no_content(StatusCode::OK))
}
