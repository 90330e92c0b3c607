//! OpenID Connect discovery: fills in a key manager's form from its well-known document.

use serde_json::{Value, json};

use super::known::Connector;
use super::registry::is_protected;
use crate::field::Field;
use crate::{Control, ControlError};

/// Reads a discovery document; `{valid, value}` as WSO2 answers it.
///
/// # Errors
/// 400 for an address that may not be called or is none.
pub async fn discover(control: &Control, url: &str, kind: &str) -> Result<Value, ControlError> {
    if !is_protected(url) {
        return Err(ControlError::invalid("url: an https URL; http only for this machine (localhost)."));
    }
    let answer = control.egress().get(url).await.map_err(|e| ControlError::invalid(format!("{e}.")))?;
    let document: Value = match serde_json::from_slice(&answer.body) {
        Ok(document) if answer.status.is_success() => document,
        _ => return Ok(json!({"valid": false})),
    };
    if document.at("issuer").as_str().is_none() {
        return Ok(json!({"valid": false}));
    }
    let connector = Connector::find(kind);
    Ok(json!({
        "valid": true,
        "value": {
            "type": kind,
            "wellKnownEndpoint": url,
            "issuer": document.at("issuer"),
            "tokenEndpoint": document.at("token_endpoint"),
            "revokeEndpoint": document.at("revocation_endpoint"),
            "introspectionEndpoint": document.at("introspection_endpoint"),
            "userInfoEndpoint": document.at("userinfo_endpoint"),
            "authorizeEndpoint": document.at("authorization_endpoint"),
            "clientRegistrationEndpoint": document.at("registration_endpoint"),
            "certificates": {"type": "JWKS", "value": document.at("jwks_uri")},
            "availableGrantTypes": document.at("grant_types_supported").as_array().cloned().unwrap_or_default(),
            "consumerKeyClaim": connector.map_or("azp", |c| c.consumer_key_claim),
            "scopesClaim": connector.map_or("scope", |c| c.scopes_claim),
        },
    }))
}
