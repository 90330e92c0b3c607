//! Access tokens from the Developer Portal, for trying APIs out.

use model::{ApplicationId, KeyMappingId, Secret};
use serde_json::{Value, json};

use super::keys::find;
use crate::field::Field;
use crate::key_manager::{RESIDENT, TokenRequest};
use crate::{Actor, Change, Control, ControlError};

/// Issues an access token to the application's client.
pub(crate) async fn generate(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    mapping: KeyMappingId,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (_, row) = find(&mut work, actor, id, mapping).await?;
    work.cancel().await?;
    if row.key_manager != RESIDENT {
        return Err(ControlError::invalid(format!("Tokens of this client are issued by {}.", row.key_manager)));
    }
    let secret =
        |field: &str| input.at(field).as_str().filter(|text| !text.is_empty()).map(|text| Secret::new(text.to_owned()));
    let scopes = input.at("scopes").as_array().map(Vec::as_slice).unwrap_or_default();
    let request = TokenRequest {
        tenant: actor.tenant(),
        consumer_key: row.consumer_key,
        secret: secret("consumerSecret"),
        scopes: scopes.iter().take(100).filter_map(Value::as_str).map(str::to_owned).collect(),
        validity_seconds: input.at("validityPeriod").as_i64(),
        revoke: secret("revokeToken"),
    };
    let target = format!("application/{id}/key/{mapping}");
    let work = control.begin().await?;
    control.commit(work, actor, Change::managed("devportal.keys.generate-token", &target)).await?;
    let token = control.ports().key_manager.issue_token(request).await?;
    Ok(json!({
        "accessToken": token.access_token.expose(),
        "tokenScopes": token.scopes,
        "validityTime": token.validity_seconds,
    }))
}
