//! `POST /oauth2/token` and `POST /oauth2/revoke`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::{StatusCode, header};
use model::Secret;
use serde_json::{Map, json};
use store::repository::client::ClientRow;
use web::{Answer, Call, Operation, RouteTable, json as answer, no_content, with_header};

use super::oauth::{OAuthError, client, form, parameter};
use crate::token::REFRESH_GRANT;
use crate::{Identity, IssuedToken, scope};

/// Forms of the token endpoint are small; a larger one is an attack.
const FORM_LIMIT: usize = 64 * 1024;
const OWN_AUTHENTICATION: &str = "OAuth endpoint: authenticates the client itself, as RFC 6749 section 2.3 lays down";

const TOKEN: Operation =
    Operation::new("oauth2.token", "POST", "/oauth2/token", "Issues access tokens (RFC 6749)").body_limit(FORM_LIMIT);
const REVOKE: Operation =
    Operation::new("oauth2.revoke", "POST", "/oauth2/revoke", "Revokes a token (RFC 7009)").body_limit(FORM_LIMIT);

pub(super) fn routes() -> RouteTable<Identity> {
    RouteTable::new().public(TOKEN, OWN_AUTHENTICATION, issue).public(REVOKE, OWN_AUTHENTICATION, revoke)
}

/// The grants that exist. A new one: a variant, a name, an arm in [`issue`].
#[derive(Clone, Copy)]
pub(super) enum Grant {
    ClientCredentials,
    Password,
    RefreshToken,
}

impl Grant {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::Password => "password",
            Self::RefreshToken => REFRESH_GRANT,
        }
    }

    /// What this server offers.
    pub(super) fn offered(identity: &Identity) -> Vec<Self> {
        let mut grants = vec![Self::ClientCredentials, Self::RefreshToken];
        if identity.settings().password_grant {
            grants.push(Self::Password);
        }
        grants
    }
}

async fn issue(identity: Arc<Identity>, call: Call) -> Result<Answer, OAuthError> {
    let form = form(&call)?;
    let client = client(&identity, &call, &form).await?;
    let wanted = parameter(&form, "grant_type")
        .ok_or_else(|| OAuthError::invalid_request("The parameter grant_type is missing."))?;
    let grant = Grant::offered(&identity).into_iter().find(|g| g.as_str() == wanted);
    let grant = grant.ok_or_else(|| OAuthError::bad("unsupported_grant_type", "This grant type is not offered."))?;
    if !client.grants.iter().any(|g| g == grant.as_str()) {
        let text = "The client is not registered for this grant type.";
        return Err(OAuthError::bad("unauthorized_client", text));
    }
    let scopes = scope::parse(parameter(&form, "scope").unwrap_or_default())
        .map_err(|text| OAuthError::bad("invalid_scope", text))?;
    let issued = match grant {
        Grant::ClientCredentials => identity.client_token(&client, &scopes, None).await?,
        Grant::Password => password(&identity, &call, &form, &client, &scopes).await?,
        Grant::RefreshToken => {
            let token = parameter(&form, "refresh_token")
                .ok_or_else(|| OAuthError::invalid_request("The parameter refresh_token is missing."))?;
            let issued = identity.refresh(&client, token, &scopes).await?;
            issued.ok_or_else(|| OAuthError::bad("invalid_grant", "The refresh token is not valid."))?
        }
    };
    Ok(with_header(answer(StatusCode::OK, &body(&issued)), header::PRAGMA, "no-cache"))
}

async fn password(
    identity: &Identity,
    call: &Call,
    form: &BTreeMap<String, Secret<String>>,
    client: &ClientRow,
    scopes: &BTreeSet<String>,
) -> Result<IssuedToken, OAuthError> {
    let need = |name: &str| {
        parameter(form, name).ok_or_else(|| OAuthError::invalid_request(format!("The parameter {name} is missing.")))
    };
    let (login, password) = (need("username")?, Secret::new(need("password")?.to_owned()));
    // A name without a domain is one of the tenant that the path names, else of the client's.
    let domain = match &call.requested_tenant {
        Some(domain) => domain.to_string(),
        None => identity.tenant(client.tenant).await?.tenant.domain.to_string(),
    };
    let address = call.peer.map(|p| p.ip());
    let refused = || OAuthError::bad("invalid_grant", "The user name or password is not right.");
    let signed_in = identity.sign_in(login, Some(&domain), &password, address).await?.ok_or_else(refused)?;
    if signed_in.tenant.id != client.tenant && !client.saas {
        return Err(refused());
    }
    identity.user_token(client, &signed_in, scopes).await?.ok_or_else(refused)
}

fn body(issued: &IssuedToken) -> Map<String, serde_json::Value> {
    let mut body = Map::new();
    body.insert("access_token".into(), json!(issued.access_token.expose()));
    if let Some(token) = &issued.refresh_token {
        body.insert("refresh_token".into(), json!(token.expose()));
    }
    body.insert("scope".into(), json!(issued.scope));
    if let Some(token) = &issued.id_token {
        body.insert("id_token".into(), json!(token.expose()));
    }
    body.insert("token_type".into(), json!("Bearer"));
    body.insert("expires_in".into(), json!(issued.expires_in));
    body
}

async fn revoke(identity: Arc<Identity>, call: Call) -> Result<Answer, OAuthError> {
    let form = form(&call)?;
    let client = client(&identity, &call, &form).await?;
    let token =
        parameter(&form, "token").ok_or_else(|| OAuthError::invalid_request("The parameter token is missing."))?;
    identity.revoke(&client, token).await?;
    Ok(no_content(StatusCode::OK))
}
