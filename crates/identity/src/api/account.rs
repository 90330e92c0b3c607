//! `/api/am/devportal/v3/me/change-password`: a new password for the caller, as WSO2's Developer Portal has it.

use std::sync::Arc;

use axum::http::StatusCode;
use model::Secret;
use serde::Deserialize;
use web::{Answer, AuthenticationMethod, Call, Operation, Permit, RestError, RouteTable, no_content};

use crate::{Identity, IdentityError};

const CHANGE: &str = "/api/am/devportal/v3/me/change-password";

pub(super) fn routes() -> RouteTable<Identity> {
    RouteTable::new().guarded(
        Operation::new("devportal.me.change_password", "POST", CHANGE, "Changes the caller's password")
            .body_limit(16 * 1024),
        &["apim:subscribe"],
        change,
    )
}

/// WSO2's `CurrentAndNewPasswords`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Passwords {
    current_password: String,
    new_password: String,
}

async fn change(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let principal = permit.principal();
    if principal.method == AuthenticationMethod::LocalSocket {
        return Err(RestError::forbidden("The owner of the server has no password: portcullis user reset-password."));
    }
    let passwords: Passwords = call.json()?;
    let (present, new) = (Secret::new(passwords.current_password), Secret::new(passwords.new_password));
    match identity.change_password(permit.tenant(), &principal.user, &present, &new).await {
        Ok(()) => Ok(no_content(StatusCode::OK)),
        // WSO2 answers a wrong current password with 400.
        Err(IdentityError::Forbidden(text)) => Err(RestError::bad_request(text)),
        Err(other) => Err(other.into()),
    }
}
