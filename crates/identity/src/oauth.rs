//! OAuth 2 and OpenID Connect: what lies between a request and a token. Grants are in `grants`, one file each.
//!
//! Wire forms come in as parameters, are parsed once, and leave as an [`OAuthError`](error::OAuthError) or a typed step.

pub(crate) mod authorize;
pub(crate) mod binding;
pub(crate) mod budget;
pub(crate) mod client_auth;
pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod logout;
pub(crate) mod metadata;
pub(crate) mod published_keys;
pub(crate) mod pushed;
pub(crate) mod trusted;
