//! Publisher REST API v4, below `/api/am/publisher/v4`.

mod apis;
mod asyncapi;
mod certificates;
mod client_certificates;
mod definitions;
mod documents;
mod graphql;
mod lifecycle;
mod operation_policies;
mod portal;
mod products;
mod projects;
mod revisions;
mod scopes;
mod thumbnails;
mod wsdl;

use model::ApiId;
use web::{Call, RestError, RouteTable};

use crate::{Control, ControlError, FaultKind};

/// All operations of the Publisher API that concern APIs.
pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .merge(apis::routes())
        .merge(asyncapi::routes())
        .merge(certificates::routes())
        .merge(client_certificates::routes())
        .merge(definitions::routes())
        .merge(graphql::routes())
        .merge(revisions::routes())
        .merge(lifecycle::routes())
        .merge(documents::routes())
        .merge(thumbnails::routes())
        .merge(projects::routes())
        .merge(operation_policies::routes())
        .merge(scopes::routes())
        .merge(portal::routes())
        .merge(products::routes())
        .merge(wsdl::routes())
}

/// Scopes that may read APIs.
const VIEW: &[&str] =
    &["apim:api_view", "apim:api_manage", "apim:api_create", "apim:api_publish", "apim:api_list_view"];
/// Scopes that may create and design APIs.
const CREATE: &[&str] = &["apim:api_create", "apim:api_manage"];
/// Scopes that may change APIs.
const CHANGE: &[&str] = &["apim:api_create", "apim:api_publish", "apim:api_manage"];
/// Scopes that may publish APIs.
const PUBLISH: &[&str] = &["apim:api_publish", "apim:api_manage"];
/// Scopes that may remove APIs.
const DELETE: &[&str] = &["apim:api_delete", "apim:api_manage"];
/// Scopes that may move projects.
const EXCHANGE: &[&str] = &["apim:api_import_export", "apim:api_manage"];
/// Scopes that may write documents.
const DOCUMENT: &[&str] =
    &["apim:document_create", "apim:document_manage", "apim:api_create", "apim:api_publish", "apim:api_manage"];

/// The API that the path names.
fn api_id(call: &Call) -> Result<ApiId, ControlError> {
    let text = call.path("apiId")?;
    text.parse().map_err(|_| not_found(text))
}

/// The API that a query parameter names.
fn query_id(call: &Call, name: &str) -> Result<ApiId, ControlError> {
    let text =
        call.query(name).ok_or_else(|| RestError::bad_request(format!("The query parameter {name} is missing.")))?;
    text.parse().map_err(|_| not_found(text))
}

fn not_found(id: &str) -> ControlError {
    // What is not an id is not repeated: it may be anything.
    let shown = if id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') { id } else { "given" };
    ControlError::new(
        FaultKind::NotFound,
        900_308,
        "API Not Found",
        format!("Requested API with id '{shown}' not found"),
    )
}

/// A query parameter that is `true` or `false`.
fn flag(call: &Call, name: &str, default: bool) -> bool {
    call.query(name).map_or(default, |v| v.eq_ignore_ascii_case("true"))
}
