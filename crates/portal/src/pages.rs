//! One file per page.

pub(crate) mod account;
pub(crate) mod federation;
pub(crate) mod home;
pub(crate) mod oauth;
pub(crate) mod recover;
pub(crate) mod set_up;
pub(crate) mod sign_in;
pub(crate) mod sign_up;

/// There is nothing (any more) at this path, with the reason.
pub(crate) fn gone(text: &str) -> crate::page::PageError {
    web::RestError::not_found(text).into()
}
