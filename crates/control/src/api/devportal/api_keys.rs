//! API keys.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, json, no_content};

use super::{API_KEYS, consumer};
use crate::application::api_keys;
use crate::{Control, ControlError};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "devportal.api-keys.generate",
                "POST",
                "/api/am/devportal/v3/applications/{applicationId}/api-keys/{keyType}/generate",
                "Make an API key; it is shown once",
            ),
            API_KEYS,
            generate,
        )
        .guarded(
            Operation::new(
                "devportal.api-keys.list",
                "GET",
                "/api/am/devportal/v3/applications/{applicationId}/api-keys/{keyType}",
                "List API keys without their values",
            ),
            API_KEYS,
            list,
        )
        .guarded(
            Operation::new(
                "devportal.api-keys.revoke",
                "POST",
                "/api/am/devportal/v3/applications/{applicationId}/api-keys/{keyType}/revoke",
                "Revoke an API key",
            ),
            API_KEYS,
            revoke,
        )
}

async fn generate(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("applicationId")?;
    let input = if call.body.is_empty() { serde_json::Value::Null } else { call.json()? };
    Ok(json(StatusCode::OK, &api_keys::generate(&control, &actor, id, call.path("keyType")?, &input).await?))
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("applicationId")?;
    Ok(json(StatusCode::OK, &api_keys::list(&control, &actor, id, call.path("keyType")?).await?))
}

async fn revoke(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("applicationId")?;
    api_keys::revoke(&control, &actor, id, call.path("keyType")?, &call.json()?).await?;
    Ok(no_content(StatusCode::OK))
}
