//! OpenAPI definitions: import, validate, read, replace.

use std::sync::Arc;

use http::StatusCode;
use model::ApiDocument;
use web::{Answer, Call, FormParts, Operation, Permit, RestError, RouteTable, created, json};

use super::{CHANGE, CREATE, VIEW, api_id};
use crate::api::publisher::apis::location;
use crate::publishing::{DefinitionSource, ValidationReport};
use crate::{Actor, Control, ControlError};

/// A definition of 10 MiB in a form with its properties.
const BODY: usize = 12 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    let base = |id, method, path, summary| Operation::new(id, method, path, summary).body_limit(BODY);
    RouteTable::new()
        .guarded(
            base(
                "publisher.apis.import-openapi",
                "POST",
                "/api/am/publisher/v4/apis/import-openapi",
                "Create an API from an OpenAPI definition (file, url or inlineAPIDefinition).",
            ),
            CREATE,
            import,
        )
        .guarded(
            base(
                "publisher.apis.validate-openapi",
                "POST",
                "/api/am/publisher/v4/apis/validate-openapi",
                "Check an OpenAPI definition.",
            ),
            CREATE,
            validate,
        )
        .guarded(
            base(
                "publisher.apis.get-swagger",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/swagger",
                "Read the OpenAPI definition of an API.",
            ),
            VIEW,
            get,
        )
        .guarded(
            base(
                "publisher.apis.generate-mocks",
                "POST",
                "/api/am/publisher/v4/apis/{apiId}/generate-mock-scripts",
                "Read the definition that the gateway answers from, for an API without a backend.",
            ),
            CHANGE,
            get,
        )
        .guarded(
            base(
                "publisher.apis.mocks",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/generated-mock-scripts",
                "List what an API without a backend answers.",
            ),
            VIEW,
            mocks,
        )
        .guarded(
            base(
                "publisher.apis.update-swagger",
                "PUT",
                "/api/am/publisher/v4/apis/{apiId}/swagger",
                "Replace the OpenAPI definition of an API (apiDefinition, file or url).",
            ),
            CHANGE,
            update,
        )
}

/// The definition in a form: a file, text in the given field, or an address.
pub(super) fn source(form: &FormParts, field: &str) -> Result<DefinitionSource, RestError> {
    if let Some(file) = form.files.get("file") {
        return Ok(DefinitionSource::Bytes(file.bytes.clone()));
    }
    if let Some(text) = form.text(field).or_else(|| form.texts.get("file").cloned()).filter(|t| !t.trim().is_empty()) {
        return Ok(DefinitionSource::Bytes(text.into()));
    }
    match form.text("url").filter(|u| !u.trim().is_empty()) {
        Some(url) => Ok(DefinitionSource::Url(url.trim().to_owned())),
        None => Err(RestError::bad_request(format!("Send the definition as file, as {field}, or its address as url."))),
    }
}

/// The API object in a form.
pub(super) fn properties(form: &FormParts) -> Result<ApiDocument, RestError> {
    match form.text("additionalProperties") {
        Some(text) => serde_json::from_str(&text).map_err(|e| {
            RestError::bad_request(format!("additionalProperties is not the JSON of an API object: {e}."))
        }),
        None => Ok(ApiDocument::default()),
    }
}

async fn import(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let properties = properties(&form)?;
    let source = source(&form, "inlineAPIDefinition")?;
    let made = control.import_openapi(&Actor::of(&permit), source, properties).await?;
    Ok(created(&location(&made), &made))
}

async fn validate(control: Arc<Control>, _permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let report = control.validate_openapi(source(&form, "inlineAPIDefinition")?).await?;
    Ok(validated(&call, report))
}

/// What a validation found, with the definition when it was asked for (`returnContent`).
pub(super) fn validated(call: &Call, report: ValidationReport) -> Answer {
    let mut answer = report.answer;
    if !super::flag(call, "returnContent", false)
        && let Some(content) = answer.get_mut("content")
    {
        *content = serde_json::Value::Null;
    }
    json(StatusCode::OK, &answer)
}

pub(super) async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.definition(&Actor::of(&permit), api_id(&call)?).await?))
}

async fn mocks(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.mock_answers(&Actor::of(&permit), api_id(&call)?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let source = source(&call.multipart().await?, "apiDefinition")?;
    Ok(json(StatusCode::OK, &control.update_definition(&Actor::of(&permit), id, source).await?))
}
