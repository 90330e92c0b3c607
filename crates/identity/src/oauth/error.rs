//! Errors of the OAuth endpoints and their one mapping to answers.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use store::StoreError;
use web::{json as answer, with_header};

use crate::IdentityError;

/// An error of RFC 6749 section 5.2, RFC 7662, RFC 8628 section 3.5 or RFC 9449.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: String,
}

impl OAuthError {
    pub(crate) fn bad(code: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description: description.into() }
    }

    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::bad("invalid_request", description)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::invalid_request(format!("The parameter {parameter} is missing."))
    }

    pub(crate) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::bad("invalid_grant", description)
    }

    /// One text for an unknown client, a wrong secret and a client that is switched off; WSO2's words.
    pub(crate) fn invalid_client() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "invalid_client",
            description: "Client credentials are invalid.".to_owned(),
        }
    }

    /// A DPoP proof that is missing or wrong (RFC 9449 section 5).
    pub(crate) fn invalid_proof(description: impl Into<String>) -> Self {
        Self::bad("invalid_dpop_proof", description)
    }

    /// A public client that is heard too often.
    pub(crate) fn too_many() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "temporarily_unavailable",
            description: "This client sends too many requests. Try again in a minute.".to_owned(),
        }
    }

    /// The error code, for the redirect of the authorization endpoint.
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// The text for the client's developer.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        IdentityError::Store(error).into()
    }
}

impl From<IdentityError> for OAuthError {
    fn from(error: IdentityError) -> Self {
        let (status, code, description) = match error {
            IdentityError::Busy
            | IdentityError::Directory
            | IdentityError::Provider
            | IdentityError::Store(StoreError::Unavailable(_)) => {
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
