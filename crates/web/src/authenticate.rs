//! The port through which the edge learns who is calling.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::{Secret, TenantDomain};

use crate::{LocalPeer, Principal};

/// A boxed future, so that ports stay object safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the caller presented.
pub enum Credentials {
    /// `Authorization: Bearer`.
    Bearer(Secret<String>),
    /// `Authorization: Basic`.
    Basic {
        /// User name as typed: `alice`, `alice@example.com`, or a client id.
        username: String,
        /// Password or client secret.
        password: Secret<String>,
    },
    /// The peer of the UNIX socket.
    Local(LocalPeer),
}

impl Credentials {
    /// Reads the `Authorization` header; `None` when there is none or it is of another kind or malformed.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next()?.to_str().ok()?;
        // Two Authorization headers: nobody can tell which one was meant.
        if values.next().is_some() {
            return None;
        }
        let (kind, rest) = value.split_once(' ')?;
        if kind.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(Secret::new(rest.trim().to_owned())));
        }
        if !kind.eq_ignore_ascii_case("basic") {
            return None;
        }
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (username, password) = text.split_once(':')?;
        Some(Self::Basic { username: username.to_owned(), password: Secret::new(password.to_owned()) })
    }
}

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AuthenticationError {
    /// Unknown, wrong, expired or revoked. One answer for all, so that nothing can be enumerated.
    #[error("the credentials are not valid")]
    Invalid,
    /// The credentials cannot be checked at the moment; nobody is let in meanwhile.
    #[error("credentials cannot be checked: {0}")]
    Unavailable(String),
}

/// Turns credentials into a principal; crate `identity` implements it.
pub trait Authenticator: Send + Sync + 'static {
    /// Checks the credentials. `requested` is the tenant named by the path (`/t/<domain>`), if any: a user name without
    /// a domain belongs to it.
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials,
        requested: Option<&'a TenantDomain>,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>>;

    /// As [`Authenticator::authenticate`], with the network address of the peer, so that failed attempts can be counted
    /// per address. `None` for the UNIX socket.
    fn authenticate_from<'a>(
        &'a self,
        credentials: Credentials,
        requested: Option<&'a TenantDomain>,
        _address: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        self.authenticate(credentials, requested)
    }
}
