//! `POST /oauth2/token`, `/oauth2/revoke`, `/oauth2/par`, `/oauth2/device_authorize`.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use serde_json::{Map, Value, json};
use web::{Answer, Call, Operation, RouteTable, json as answer, no_content, with_header};

use crate::Identity;
use crate::grants::{self, Granted};
use crate::oauth::error::OAuthError;
use crate::oauth::form::Form;

/// Forms of the token endpoint are small; a larger one is an attack.
const FORM_LIMIT: usize = 64 * 1024;
const OWN_AUTHENTICATION: &str = "OAuth endpoint: authenticates the client itself, as RFC 6749 section 2.3 lays down";

const TOKEN: Operation =
    Operation::new("oauth2.token", "POST", "/oauth2/token", "Issues access tokens (RFC 6749)").body_limit(FORM_LIMIT);
const REVOKE: Operation =
    Operation::new("oauth2.revoke", "POST", "/oauth2/revoke", "Revokes a token (RFC 7009)").body_limit(FORM_LIMIT);
const PUSH: Operation =
    Operation::new("oauth2.par", "POST", "/oauth2/par", "Takes an authorization request in advance (RFC 9126)")
        .body_limit(FORM_LIMIT);
const DEVICE: Operation =
    Operation::new("oauth2.device", "POST", "/oauth2/device_authorize", "Starts the device flow (RFC 8628)")
        .body_limit(FORM_LIMIT);

pub(super) fn routes() -> RouteTable<Identity> {
    RouteTable::new()
        .public(TOKEN, OWN_AUTHENTICATION, issue)
        .public(REVOKE, OWN_AUTHENTICATION, revoke)
        .public(PUSH, OWN_AUTHENTICATION, push)
        .public(DEVICE, OWN_AUTHENTICATION, device)
}

/// Nothing on the way keeps an answer with a token in it (RFC 6749 section 5.1).
fn private(status: StatusCode, body: &impl serde::Serialize) -> Answer {
    with_header(answer(status, body), header::PRAGMA, "no-cache")
}

async fn issue(identity: Arc<Identity>, call: Call) -> Result<Answer, OAuthError> {
    let form = Form::of_body(&call)?;
    let client = identity.proven_client(&call, &form).await?;
    identity.hear(&client)?;
    let granted = grants::issue(&identity, &call, &form, &client).await?;
    Ok(private(StatusCode::OK, &body(&granted)))
}

fn body(granted: &Granted) -> Map<String, Value> {
    let issued = &granted.issued;
    let mut body = Map::new();
    body.insert("access_token".into(), json!(issued.access_token.expose()));
    if let Some(token) = &issued.refresh_token {
        body.insert("refresh_token".into(), json!(token.expose()));
    }
    body.insert("scope".into(), json!(issued.scope));
    if let Some(token) = &issued.id_token {
        body.insert("id_token".into(), json!(token.expose()));
    }
    if let Some(kind) = granted.issued_token_type {
        body.insert("issued_token_type".into(), json!(kind));
    }
    body.insert("token_type".into(), json!(issued.token_type));
    body.insert("expires_in".into(), json!(issued.expires_in));
    body
}

async fn revoke(identity: Arc<Identity>, call: Call) -> Result<Answer, OAuthError> {
    let form = Form::of_body(&call)?;
    let client = identity.proven_client(&call, &form).await?;
    identity.revoke(&client.row, form.need("token")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn push(identity: Arc<Identity>, call: Call) -> Result<Answer, OAuthError> {
    let form = Form::of_body(&call)?;
    let client = identity.proven_client(&call, &form).await?;
    identity.hear(&client)?;
    let (uri, seconds) = identity.push_request(&client, &form).await?;
    Ok(private(StatusCode::CREATED, &json!({"request_uri": uri, "expires_in": seconds})))
}

async fn device(identity: Arc<Identity>, call: Call) -> Result<Answer, OAuthError> {
    let form = Form::of_body(&call)?;
    let client = identity.proven_client(&call, &form).await?;
    identity.hear(&client)?;
    let codes = identity.start_device(&client, &form).await?;
    let page = format!("{}/device", identity.settings().base_url);
    let body = json!({
        "device_code": codes.device_code.expose(),
        "user_code": codes.user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={}", codes.user_code),
        "expires_in": codes.expires_in,
        "interval": codes.interval,
    });
    Ok(private(StatusCode::OK, &body))
}
