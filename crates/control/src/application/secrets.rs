//! Secrets of an application's client. A value is shown once, when it is made.

use std::time::Duration;

use model::{ApplicationId, KeyMappingId};
use serde_json::{Value, json};

use super::keys::find;
use crate::field::Field;
use crate::key_manager::{ClientSecret, RESIDENT};
use crate::{Actor, Change, Control, ControlError};

async fn client(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
) -> Result<model::ConsumerKey, ControlError> {
    let mut work = control.read().await?;
    let (_, row) = find(&mut work, actor, id, mapping).await?;
    if row.key_manager != RESIDENT {
        return Err(ControlError::invalid(format!("The secrets of this client are kept by {}.", row.key_manager)));
    }
    Ok(row.consumer_key)
}

async fn record(control: &Control, actor: &Actor, action: &'static str, target: String) -> Result<(), ControlError> {
    let work = control.begin().await?;
    control.commit(work, actor, Change::managed(action, &target)).await
}

/// Replaces all secrets by a new one.
pub(crate) async fn regenerate(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
) -> Result<Value, ControlError> {
    let key = client(control, actor, id, mapping).await?;
    record(control, actor, "devportal.keys.regenerate-secret", format!("application/{id}/key/{mapping}")).await?;
    let secret = control.ports().key_manager.regenerate_secret(actor.tenant(), &key).await?;
    Ok(json!({"consumerKey": key.as_str(), "consumerSecret": secret.expose()}))
}

/// Adds a secret; the former ones stay valid.
pub(crate) async fn generate(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
    input: &Value,
) -> Result<Value, ControlError> {
    let properties = input.at("additionalProperties");
    let description = properties.at("description").as_str().map(str::to_owned);
    if description.as_ref().is_some_and(|text| text.chars().count() > 255) {
        return Err(ControlError::invalid("additionalProperties.description: at most 255 characters."));
    }
    let seconds = properties.at("expiresIn").as_u64().or_else(|| properties.at("expiresIn").as_str()?.parse().ok());
    let expires = seconds.filter(|n| *n > 0).map(|n| control.now().plus(Duration::from_secs(n)));
    let key = client(control, actor, id, mapping).await?;
    record(control, actor, "devportal.keys.generate-secret", format!("application/{id}/key/{mapping}")).await?;
    let (secret, value) = control.ports().key_manager.add_secret(actor.tenant(), &key, description, expires).await?;
    let mut shown = shown(&secret);
    if let Some(object) = shown.as_object_mut() {
        object.insert("secretValue".into(), json!(value.expose()));
    }
    Ok(shown)
}

fn shown(secret: &ClientSecret) -> Value {
    json!({
        "secretId": secret.id,
        "secretValue": Value::Null,
        "additionalProperties": {
            "description": secret.description,
            "createdAt": secret.created.seconds(),
            "expiresAt": secret.expires.map(model::Timestamp::seconds),
        },
    })
}

/// `{count, list}` without values.
pub(crate) async fn list(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
) -> Result<Value, ControlError> {
    let key = client(control, actor, id, mapping).await?;
    let secrets = control.ports().key_manager.secrets(actor.tenant(), &key).await?;
    Ok(json!({"count": secrets.len(), "list": secrets.iter().map(shown).collect::<Vec<_>>()}))
}

/// Removes one secret.
pub(crate) async fn revoke(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
    input: &Value,
) -> Result<(), ControlError> {
    let secret = input.at("secretId").as_str().filter(|text| !text.is_empty());
    let secret = secret.ok_or_else(|| ControlError::invalid("secretId: is missing."))?;
    let key = client(control, actor, id, mapping).await?;
    if !control.ports().key_manager.revoke_secret(actor.tenant(), &key, secret).await? {
        return Err(ControlError::not_found(format!("The client has no secret with the id {secret}.")));
    }
    record(control, actor, "devportal.keys.revoke-secret", format!("application/{id}/key/{mapping}")).await
}
