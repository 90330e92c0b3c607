//! The port through which the edge learns who is calling.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use model::{Secret, TenantDomain};

use crate::{LocalPeer, PeerCertificate, Principal, RequestedTenant, RestError};

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
    /// `Authorization: DPoP`, or `Bearer` over a connection with a client certificate.
    Bound(Box<BoundToken>),
    /// The cookie of a browser session. Only pages take it, see [`crate::RouteTable::page`].
    Session(Secret<String>),
}

/// A token that may be bound to a key or a certificate, with what shows that the caller holds it.
pub struct BoundToken {
    /// The access token.
    pub token: Secret<String>,
    /// The DPoP proof (RFC 9449 section 7.1); `None` for `Authorization: Bearer`.
    pub proof: Option<String>,
    /// Method of the request.
    pub method: String,
    /// Path of the request as it was sent, without query.
    pub path: String,
    /// The certificate of the connection, DER (RFC 8705 section 3).
    pub certificate: Option<Arc<[u8]>>,
}

impl Credentials {
    /// Reads what a request presents: as [`Credentials::from_headers`], and tokens with their proof.
    pub(crate) fn of_request(request: &Parts) -> Option<Self> {
        let certificate = request.extensions.get::<PeerCertificate>().map(|c| Arc::clone(&c.der));
        let (token, proof) = match Self::from_headers(&request.headers) {
            Some(Self::Bearer(token)) if certificate.is_some() => (token, None),
            Some(found) => return Some(found),
            None => {
                let token = single(&request.headers, AUTHORIZATION)?;
                let (kind, token) = token.split_once(' ')?;
                if !kind.eq_ignore_ascii_case("dpop") {
                    return None;
                }
                let proof = single(&request.headers, HeaderName::from_static("dpop"))?;
                (Secret::new(token.trim().to_owned()), Some(proof.to_owned()))
            }
        };
        let tenant = request.extensions.get::<RequestedTenant>().map(|t| format!("/t/{}", t.0)).unwrap_or_default();
        let path = format!("{tenant}{}", request.uri.path());
        let method = request.method.as_str().to_owned();
        Some(Self::Bound(Box::new(BoundToken { token, proof, method, path, certificate })))
    }

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

/// The value of a header that is there exactly once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
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

    /// The answer to a person who wants a page and has no session: the way to the sign-in page. `wanted` is the path and
    /// query to come back to.
    fn demand_sign_in(&self, _wanted: Option<&str>) -> Response {
        RestError::unauthorized("Sign in first.").into_response()
    }
}
