//! What the SCIM 2.0 endpoints share (RFC 7643, 7644): errors, lists, filters, service description.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::StoreError;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json as answer, with_header};

use crate::delegation::Reach;
use crate::{Identity, IdentityError};

const MEDIA_TYPE: &str = "application/scim+json";
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Most resources of one page.
const MAX_COUNT: i64 = 1000;
/// Most operations of one PATCH.
const MAX_OPERATIONS: usize = 100;

pub(super) fn routes() -> RouteTable<Identity> {
    let operation = Operation::new(
        "scim.config",
        "GET",
        "/scim2/ServiceProviderConfig",
        "What of SCIM is supported (RFC 7643 section 5)",
    );
    RouteTable::new().public(operation, "public metadata without any data (RFC 7644 section 4)", config)
}

async fn config(_identity: Arc<Identity>, _call: Call) -> Result<Answer, ScimError> {
    Ok(resource(
        StatusCode::OK,
        &json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": true},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": true, "maxResults": MAX_COUNT},
            "changePassword": {"supported": true},
            "sort": {"supported": false},
            "etag": {"supported": false},
            "authenticationSchemes": [
                {"name": "OAuth bearer token", "description": "RFC 6750", "type": "oauthbearertoken", "primary": true},
                {"name": "HTTP basic", "description": "RFC 7617", "type": "httpbasic"},
            ],
        }),
    ))
}

/// An error of RFC 7644 section 3.12.
pub(super) struct ScimError {
    status: StatusCode,
    kind: Option<&'static str>,
    detail: String,
}

impl ScimError {
    pub(super) fn invalid(kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: Some(kind), detail: detail.into() }
    }
}

impl From<IdentityError> for ScimError {
    fn from(error: IdentityError) -> Self {
        let (status, kind) = match &error {
            IdentityError::Invalid(_) | IdentityError::Password(_) => (StatusCode::BAD_REQUEST, Some("invalidValue")),
            IdentityError::NotFound(_) => (StatusCode::NOT_FOUND, None),
            IdentityError::Conflict(_) => (StatusCode::CONFLICT, Some("uniqueness")),
            IdentityError::Limit(_) => (StatusCode::CONFLICT, None),
            IdentityError::Store(StoreError::Conflict(_)) => (StatusCode::CONFLICT, Some("uniqueness")),
            other => {
                // The general mapping hides what must not reach the caller, and logs it.
                tracing::error!(reason = %other, "a SCIM request failed");
                let rest = RestError::from(error);
                return Self { status: rest.status, kind: None, detail: rest.description };
            }
        };
        let detail = match error {
            IdentityError::Store(_) => "It exists already.".to_owned(),
            other => other.to_string(),
        };
        Self { status, kind, detail }
    }
}

impl From<Reach> for ScimError {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Failed(error) => error.into(),
            beyond @ Reach::Beyond(_) => RestError::from(beyond).into(),
        }
    }
}

impl From<RestError> for ScimError {
    fn from(error: RestError) -> Self {
        let kind = (error.status == StatusCode::BAD_REQUEST).then_some("invalidSyntax");
        Self { status: error.status, kind, detail: error.description }
    }
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        let mut body = json!({
            "schemas": [ERROR_SCHEMA],
            "status": self.status.as_u16().to_string(),
            "detail": self.detail,
        });
        if let (Value::Object(members), Some(kind)) = (&mut body, self.kind) {
            members.insert("scimType".into(), kind.into());
        }
        resource(self.status, &body)
    }
}

/// An answer of SCIM's media type.
pub(super) fn resource(status: StatusCode, body: &Value) -> Answer {
    with_header(answer(status, body), header::CONTENT_TYPE, MEDIA_TYPE)
}

/// 201 with the resource and its address.
pub(super) fn created(body: &Value) -> Answer {
    let location = body.pointer("/meta/location").and_then(Value::as_str).unwrap_or_default().to_owned();
    with_header(resource(StatusCode::CREATED, body), header::LOCATION, &location)
}

/// The address of a resource.
pub(super) fn location(identity: &Identity, permit: &Permit, kind: &str, id: &str) -> String {
    let prefix = permit.principal().tenant.domain.context_prefix();
    format!("{}{prefix}/scim2/{kind}/{id}", identity.settings().base_url)
}

pub(super) fn meta(kind: &str, location: &str, created: Timestamp, updated: Timestamp) -> Value {
    json!({
        "resourceType": kind,
        "created": created.rfc3339(),
        "lastModified": updated.rfc3339(),
        "location": location,
    })
}

/// `startIndex` and `count`: the offset from 0, and the number of resources.
pub(super) fn page(call: &Call) -> Result<(i64, i64), ScimError> {
    let start: i64 = call.query_or("startIndex", 1)?;
    let count: i64 = call.query_or("count", 100)?;
    Ok((start.max(1) - 1, count.clamp(0, MAX_COUNT)))
}

pub(super) fn list(total: i64, offset: i64, resources: &[Value]) -> Answer {
    resource(
        StatusCode::OK,
        &json!({
            "totalResults": total,
            "startIndex": offset + 1,
            "itemsPerPage": resources.len(),
            "schemas": [LIST_SCHEMA],
            "Resources": resources,
        }),
    )
}

/// A filter of the one form that is supported: `attribute eq "value"`.
pub(super) fn equality_filter(call: &Call, attribute: &str) -> Result<Option<String>, ScimError> {
    let Some(filter) = call.query("filter").filter(|f| !f.trim().is_empty()) else { return Ok(None) };
    let unsupported = || {
        ScimError::invalid("invalidFilter", format!("Only filters of the form {attribute} eq \"value\" are supported."))
    };
    let rest = strip_word(filter.trim(), attribute).and_then(|r| strip_word(r, "eq")).ok_or_else(unsupported)?;
    // A JSON string is the one way to quote (RFC 7644 section 3.4.2.2); WSO2 also takes a bare word.
    if rest.starts_with('"') {
        return serde_json::from_str(rest).map(Some).map_err(|_| unsupported());
    }
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return Err(unsupported());
    }
    Ok(Some(rest.to_owned()))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, tail) = text.split_once(char::is_whitespace)?;
    head.eq_ignore_ascii_case(word).then(|| tail.trim_start())
}

/// One operation of a PATCH (RFC 7644 section 3.5.2).
#[derive(Deserialize)]
pub(super) struct PatchOperation {
    op: String,
    #[serde(default)]
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) value: Option<Value>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Replace,
    Remove,
}

impl PatchOperation {
    pub(super) fn verb(&self) -> Result<Verb, ScimError> {
        match self.op.to_ascii_lowercase().as_str() {
            "add" => Ok(Verb::Add),
            "replace" => Ok(Verb::Replace),
            "remove" => Ok(Verb::Remove),
            _ => Err(ScimError::invalid("invalidSyntax", "An operation is add, replace or remove.")),
        }
    }
}

#[derive(Deserialize)]
struct Patch {
    #[serde(rename = "Operations", alias = "operations")]
    operations: Vec<PatchOperation>,
}

pub(super) fn patch(call: &Call) -> Result<Vec<PatchOperation>, ScimError> {
    let patch: Patch = call.json()?;
    if patch.operations.is_empty() || patch.operations.len() > MAX_OPERATIONS {
        return Err(ScimError::invalid("invalidSyntax", "A PATCH has 1 to 100 operations."));
    }
    Ok(patch.operations)
}
