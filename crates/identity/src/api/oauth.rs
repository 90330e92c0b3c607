//! What the OAuth endpoints share: the form, client authentication, errors (RFC 6749).

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{ConsumerKey, Secret};
use serde_json::json;
use store::StoreError;
use store::repository::client::ClientRow;
use web::{Call, Credentials, json as answer, with_header};

use crate::{Identity, IdentityError};

/// An error of RFC 6749 section 5.2 or RFC 7662.
#[derive(Debug)]
pub(super) struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: String,
}

impl OAuthError {
    pub(super) fn bad(code: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description: description.into() }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::bad("invalid_request", description)
    }

    /// One text for an unknown client, a wrong secret and a client that is switched off; WSO2's words.
    pub(super) fn invalid_client() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "invalid_client",
            description: "Client credentials are invalid.".to_owned(),
        }
    }
}

impl From<IdentityError> for OAuthError {
    fn from(error: IdentityError) -> Self {
        let (status, code, description) = match error {
            IdentityError::Busy | IdentityError::Store(StoreError::Unavailable(_)) => {
                tracing::error!(reason = %error, "an OAuth request could not be served");
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Try again in a moment.".to_owned())
            }
            IdentityError::Invalid(text) => (StatusCode::BAD_REQUEST, "invalid_request", text),
            IdentityError::Conflict(text) => (StatusCode::BAD_REQUEST, "unauthorized_client", text),
            other => {
                tracing::error!(reason = %other, "an OAuth request failed");
                let text = "The server could not carry this out. The log holds the reason.";
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error", text.to_owned())
            }
        };
        Self { status, code, description }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({"error_description": self.description, "error": self.code});
        let response = answer(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            return with_header(response, header::WWW_AUTHENTICATE, "Basic realm=\"oauth2\"");
        }
        response
    }
}

/// The parameters of a form body; each at most once (RFC 6749 section 3.2).
pub(super) fn form(call: &Call) -> Result<BTreeMap<String, Secret<String>>, OAuthError> {
    let kind = call.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OAuthError::invalid_request("Send the parameters as application/x-www-form-urlencoded."));
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in call.form() {
        if parameters.insert(name.clone(), Secret::new(value)).is_some() {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(OAuthError::invalid_request(format!("The parameter {shown} is sent more than once.")));
        }
    }
    Ok(parameters)
}

/// A parameter that is there and not empty: an empty one counts as absent (RFC 6749 section 3.2).
pub(super) fn parameter<'a>(form: &'a BTreeMap<String, Secret<String>>, name: &str) -> Option<&'a str> {
    form.get(name).map(|v| v.expose().as_str()).filter(|v| !v.is_empty())
}

/// The client that authenticates by header or by form, never by both (RFC 6749 section 2.3).
pub(super) async fn client(
    identity: &Identity,
    call: &Call,
    form: &BTreeMap<String, Secret<String>>,
) -> Result<ClientRow, OAuthError> {
    let in_form = (parameter(form, "client_id"), parameter(form, "client_secret"));
    let (id, secret) = match (call.headers.contains_key(header::AUTHORIZATION), in_form) {
        (true, (_, Some(_))) => {
            return Err(OAuthError::invalid_request("Authenticate by header or by form, not by both."));
        }
        (true, (named, None)) => match Credentials::from_headers(&call.headers) {
            Some(Credentials::Basic { username, password }) => {
                if named.is_some_and(|n| n != username) {
                    return Err(OAuthError::invalid_request("The header and the form name different clients."));
                }
                (username, password)
            }
            _ => return Err(OAuthError::invalid_client()),
        },
        (false, (Some(id), Some(secret))) => (id.to_owned(), Secret::new(secret.to_owned())),
        (false, _) => return Err(OAuthError::invalid_client()),
    };
    let client = identity.authenticate_client(&ConsumerKey::new(id), &secret).await?;
    let client = client.ok_or_else(OAuthError::invalid_client)?;
    // A path that names a tenant is for the clients of that tenant, and for those that serve all.
    if let Some(domain) = &call.requested_tenant
        && !client.saas
        && identity.find_tenant(domain.as_str()).await?.is_none_or(|t| t.tenant.id != client.tenant)
    {
        return Err(OAuthError::invalid_client());
    }
    Ok(client)
}
