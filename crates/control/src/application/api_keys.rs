//! API keys of an application: shown once, kept as SHA-256.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use model::ApplicationId;
use serde_json::{Value, json};
use store::repository::api_key::{self, ApiKeyRow};
use uuid::Uuid;

use super::{owned, sharing};
use crate::field::Field;
use crate::service::hex;
use crate::throttling::check::refused;
use crate::{Actor, Change, Control, ControlError};

/// Most keys of an application and type.
const MAX_KEYS: usize = 100;
/// Characters of a key, six random bits each.
const LENGTH: usize = 64;

/// SHA-256 of a key in hexadecimal, as the gateway looks it up.
pub(crate) fn digest_of(key: &str) -> String {
    hex(digest(&SHA256, key.as_bytes()).as_ref())
}

fn key_type(text: &str) -> Result<&'static str, ControlError> {
    match text.to_ascii_uppercase().as_str() {
        "PRODUCTION" => Ok("PRODUCTION"),
        "SANDBOX" => Ok("SANDBOX"),
        _ => Err(ControlError::invalid("keyType: PRODUCTION or SANDBOX.")),
    }
}

/// Makes a key.
pub(crate) async fn generate(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    kind: &str,
    input: &Value,
) -> Result<Value, ControlError> {
    let kind = key_type(kind)?;
    let mut faults = Vec::new();
    let properties = input.at("additionalProperties");
    let permitted_ips = parts(properties.at("permittedIP"));
    let permitted_referrers = parts(properties.at("permittedReferer"));
    for text in permitted_ips.iter().filter(|text| !is_network(text)) {
        faults.push(format!("additionalProperties.permittedIP: {text:?} is neither an address nor a network."));
    }
    if permitted_referrers.iter().any(|text| text.len() > 500) || permitted_referrers.len() + permitted_ips.len() > 100
    {
        faults.push("additionalProperties: at most 100 entries of at most 500 characters.".to_owned());
    }
    let name = input.at("keyName").as_str().unwrap_or_default().trim();
    if name.chars().count() > 255 || name.chars().any(char::is_control) {
        faults.push("keyName: at most 255 characters.".to_owned());
    }
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    // A negative or absent period means a key without end, as in WSO2.
    let validity = input.at("validityPeriod").as_u64().filter(|seconds| *seconds > 0);
    let mut work = control.begin().await?;
    owned(&mut work, actor, id).await?;
    api_key::delete_expired(&mut work, control.now()).await?;
    if api_key::of_application(&mut work, actor.tenant(), id, kind).await?.len() >= MAX_KEYS {
        return Err(ControlError::conflict(format!(
            "An application has at most {MAX_KEYS} API keys of a type. Revoke some."
        )));
    }
    let key = control.rng().token(LENGTH);
    let row = ApiKeyRow {
        id: control.uuid(),
        tenant: actor.tenant(),
        application: id,
        key_type: kind.to_owned(),
        name: name.to_owned(),
        digest: digest_of(&key),
        created: control.now(),
        expires: validity.map(|seconds| control.now().plus(Duration::from_secs(seconds))),
        permitted_ips,
        permitted_referrers,
    };
    api_key::insert(&mut work, &row).await?;
    let target = format!("application/{id}/api-key/{}", row.id);
    control.commit(work, actor, Change::served("devportal.api-keys.generate", &target)).await?;
    let validity = validity.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(-1);
    Ok(json!({"keyName": row.name, "apikey": key, "validityPeriod": validity, "keyUUID": row.id.to_string()}))
}

/// Whether a text is an address or a network in CIDR form.
fn is_network(text: &str) -> bool {
    let (host, prefix) = text.split_once('/').map_or((text, None), |(host, prefix)| (host, Some(prefix)));
    host.parse::<std::net::IpAddr>().is_ok_and(|ip| {
        let most = if ip.is_ipv4() { 32 } else { 128 };
        prefix.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
    })
}

/// The entries of a comma-separated text.
fn parts(value: &Value) -> Vec<String> {
    let text = value.as_str().unwrap_or_default();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The keys of a type, without their values.
pub(crate) async fn list(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    kind: &str,
) -> Result<Value, ControlError> {
    let kind = key_type(kind)?;
    let mut work = control.read().await?;
    let application = sharing::visible(control, &mut work, actor, id).await?;
    // As in WSO2: a key is its maker's, which is the owner; who the application is shared with sees none.
    let own = application.owner == actor.name();
    let keys = if own { api_key::of_application(&mut work, actor.tenant(), id, kind).await? } else { Vec::new() };
    let list: Vec<Value> = keys.iter().map(shown).collect();
    Ok(json!({"count": list.len(), "list": list}))
}

fn shown(row: &ApiKeyRow) -> Value {
    let validity = row.expires.map_or(-1, |end| i64::try_from(end.since(row.created).as_secs()).unwrap_or(i64::MAX));
    json!({
        "keyUUID": row.id.to_string(),
        "keyName": row.name,
        "issuedOn": row.created.millis(),
        "validityPeriod": validity,
        "lastUsed": Value::Null,
        "additionalProperties": {
            "permittedIP": row.permitted_ips.join(","),
            "permittedReferer": row.permitted_referrers.join(","),
        },
    })
}

/// Revokes a key by its id or by its value. A key that is not there is as good as revoked.
pub(crate) async fn revoke(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    kind: &str,
    input: &Value,
) -> Result<(), ControlError> {
    key_type(kind)?;
    let mut work = control.begin().await?;
    owned(&mut work, actor, id).await?;
    let by_id = input.at("keyUUID").as_str().and_then(|text| text.parse::<Uuid>().ok());
    match (by_id, input.at("apikey").as_str()) {
        (Some(key), _) => api_key::delete(&mut work, actor.tenant(), id, key).await?,
        (None, Some(value)) => api_key::delete_by_digest(&mut work, actor.tenant(), id, &digest_of(value)).await?,
        (None, None) => return Err(ControlError::invalid("Send keyUUID or apikey.")),
    };
    let target = format!("application/{id}/api-key");
    control.commit(work, actor, Change::served("devportal.api-keys.revoke", &target)).await
}
