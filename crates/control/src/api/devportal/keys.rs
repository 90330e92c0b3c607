//! OAuth keys of an application, their secrets, and tokens for trying out.

use std::sync::Arc;

use http::StatusCode;
use model::{ApplicationId, KeyMappingId};
use web::{Answer, Call, Operation, Permit, RouteTable, json, no_content};

use super::{APPLICATIONS, consumer};
use crate::application::{keys, secrets, token};
use crate::{Actor, Control, ControlError};

/// Paths below an application.
macro_rules! below {
    ($tail:literal) => {
        concat!("/api/am/devportal/v3/applications/{applicationId}/", $tail)
    };
}

pub(super) fn routes() -> RouteTable<Control> {
    let operation = Operation::new;
    RouteTable::new()
        .guarded(
            operation("devportal.keys.generate", "POST", below!("generate-keys"), "Make keys"),
            APPLICATIONS,
            generate,
        )
        .guarded(operation("devportal.keys.map", "POST", below!("map-keys"), "Map a client"), APPLICATIONS, map)
        .guarded(operation("devportal.keys.list", "GET", below!("oauth-keys"), "List keys"), APPLICATIONS, list)
        .guarded(operation("devportal.keys.list-all", "GET", below!("keys"), "List keys"), APPLICATIONS, list)
        .guarded(
            operation("devportal.keys.get-by-type", "GET", below!("keys/{keyType}"), "Read keys of a type"),
            APPLICATIONS,
            get,
        )
        .guarded(
            operation("devportal.keys.get", "GET", below!("oauth-keys/{keyMappingId}"), "Read keys"),
            APPLICATIONS,
            get,
        )
        .guarded(
            operation("devportal.keys.update-by-type", "PUT", below!("keys/{keyType}"), "Change keys of a type"),
            APPLICATIONS,
            update,
        )
        .guarded(
            operation("devportal.keys.update", "PUT", below!("oauth-keys/{keyMappingId}"), "Change keys"),
            APPLICATIONS,
            update,
        )
        .guarded(
            operation("devportal.keys.delete", "DELETE", below!("oauth-keys/{keyMappingId}"), "Remove keys"),
            APPLICATIONS,
            remove,
        )
        .guarded(
            operation("devportal.keys.clean-up", "POST", below!("oauth-keys/{keyMappingId}/clean-up"), "Remove keys"),
            APPLICATIONS,
            remove,
        )
        .merge(secret_routes())
}

fn secret_routes() -> RouteTable<Control> {
    let operation = Operation::new;
    RouteTable::new()
        .guarded(
            operation(
                "devportal.keys.regenerate-secret",
                "POST",
                below!("oauth-keys/{keyMappingId}/regenerate-secret"),
                "Replace the secret",
            ),
            APPLICATIONS,
            regenerate_secret,
        )
        .guarded(
            operation(
                "devportal.keys.regenerate-secret-by-type",
                "POST",
                below!("keys/{keyType}/regenerate-secret"),
                "Replace the secret of the keys of a type",
            ),
            APPLICATIONS,
            regenerate_secret,
        )
        .guarded(
            operation(
                "devportal.keys.generate-secret",
                "POST",
                below!("oauth-keys/{keyMappingId}/generate-secret"),
                "Add a secret",
            ),
            APPLICATIONS,
            generate_secret,
        )
        .guarded(
            operation(
                "devportal.keys.secrets",
                "GET",
                below!("oauth-keys/{keyMappingId}/secrets"),
                "List secrets without their values",
            ),
            APPLICATIONS,
            list_secrets,
        )
        .guarded(
            operation(
                "devportal.keys.revoke-secret",
                "POST",
                below!("oauth-keys/{keyMappingId}/revoke-secret"),
                "Remove a secret",
            ),
            APPLICATIONS,
            revoke_secret,
        )
        .guarded(
            operation(
                "devportal.keys.generate-token",
                "POST",
                below!("oauth-keys/{keyMappingId}/generate-token"),
                "Issue an access token",
            ),
            APPLICATIONS,
            generate_token,
        )
        .guarded(
            operation(
                "devportal.keys.generate-token-by-type",
                "POST",
                below!("keys/{keyType}/generate-token"),
                "Issue an access token for the keys of a type",
            ),
            APPLICATIONS,
            generate_token,
        )
}

/// Application and key mapping of a request; WSO2's older paths name the key type instead of the mapping.
async fn target(control: &Control, actor: &Actor, call: &Call) -> Result<(ApplicationId, KeyMappingId), ControlError> {
    let id = call.path_id("applicationId")?;
    match call.path("keyType") {
        Ok(kind) => Ok((id, keys::of_type(control, actor, id, kind).await?)),
        Err(_) => Ok((id, call.path_id("keyMappingId")?)),
    }
}

/// The body as JSON; some clients send none where every field is optional.
fn body(call: &Call) -> Result<serde_json::Value, ControlError> {
    if call.body.is_empty() { Ok(serde_json::Value::Null) } else { Ok(call.json()?) }
}

async fn generate(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("applicationId")?;
    Ok(json(StatusCode::OK, &keys::generate(&control, &actor, id, &call.json()?).await?))
}

async fn map(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("applicationId")?;
    Ok(json(StatusCode::OK, &keys::map(&control, &actor, id, &call.json()?).await?))
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    Ok(json(StatusCode::OK, &keys::list(&control, &actor, call.path_id("applicationId")?).await?))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    Ok(json(StatusCode::OK, &keys::get(&control, &actor, id, mapping).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    Ok(json(StatusCode::OK, &keys::update(&control, &actor, id, mapping, &call.json()?).await?))
}

async fn remove(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    keys::remove(&control, &actor, id, mapping).await?;
    Ok(no_content(StatusCode::OK))
}

async fn regenerate_secret(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    Ok(json(StatusCode::OK, &secrets::regenerate(&control, &actor, id, mapping).await?))
}

async fn generate_secret(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    Ok(json(StatusCode::CREATED, &secrets::generate(&control, &actor, id, mapping, &body(&call)?).await?))
}

async fn list_secrets(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    Ok(json(StatusCode::OK, &secrets::list(&control, &actor, id, mapping).await?))
}

async fn revoke_secret(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    secrets::revoke(&control, &actor, id, mapping, &call.json()?).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}

async fn generate_token(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let (id, mapping) = target(&control, &actor, &call).await?;
    Ok(json(StatusCode::OK, &token::generate(&control, &actor, id, mapping, &body(&call)?).await?))
}
