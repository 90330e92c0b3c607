//! What can go wrong in a use case, and its one mapping to an answer of a WSO2-shaped REST API.

use axum::response::{IntoResponse, Response};
use store::StoreError;
use web::RestError;

use crate::PasswordFault;

/// A use case that was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The caller's input is wrong; the text says what and how to fix it.
    #[error("{0}")]
    Invalid(String),
    /// The password is not good enough.
    #[error(transparent)]
    Password(#[from] PasswordFault),
    /// There is no such thing in this tenant.
    #[error("{0}")]
    NotFound(String),
    /// It exists already, or the state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// A limit of the tenant or the user is reached; the text names it.
    #[error("{0}")]
    Limit(String),
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The set-up link is wrong, used or expired.
    #[error("this set-up link is not valid any more; make a new one with `portcullis setup-link`")]
    SetupLink,
    /// The directory that keeps the account cannot be asked; the reason is in the log.
    #[error("the user directory does not answer; try again in a moment")]
    Directory,
    /// An identity provider that people sign in at cannot be asked; the reason is in the log.
    #[error("the identity provider does not answer; try again in a moment, or sign in another way")]
    Provider,
    /// Too many passwords are waiting to be checked.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A token could not be signed, or a password not hashed: our fault.
    #[error("{0}")]
    Internal(String),
}

impl IdentityError {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::NotFound(text.into())
    }

    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::Conflict(text.into())
    }
}

impl From<IdentityError> for RestError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Invalid(text) => Self::bad_request(text),
            IdentityError::Password(fault) => Self::bad_request(fault.to_string()),
            IdentityError::SetupLink => Self::bad_request(IdentityError::SetupLink.to_string()),
            IdentityError::NotFound(text) => Self::not_found(text),
            IdentityError::Conflict(text) | IdentityError::Limit(text) => Self::conflict(text),
            IdentityError::Forbidden(text) => Self::forbidden(text),
            IdentityError::Directory => Self::unavailable("the user directory does not answer"),
            IdentityError::Provider => Self::unavailable("an identity provider does not answer"),
            IdentityError::Busy => Self::unavailable("password hashing is saturated"),
            IdentityError::Store(StoreError::Unavailable(reason)) => Self::unavailable(reason),
            IdentityError::Store(StoreError::Conflict(what)) => Self::conflict(format!("{what} exists already.")),
            IdentityError::Store(other) => Self::internal(other.to_string()),
            IdentityError::Internal(log) => Self::internal(log),
        }
    }
}

impl IntoResponse for IdentityError {
    fn into_response(self) -> Response {
        RestError::from(self).into_response()
    }
}
