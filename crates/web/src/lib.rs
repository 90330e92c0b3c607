//! HTTP edge kit of the management side: route table, permits, responders, listener, egress client.
//!
//! A handler that needs a permission cannot be registered without one: [`RouteTable::guarded`] takes the scopes and
//! gives the handler a [`Permit`], which only this crate can make, after authentication and authorisation. What is
//! public is listed by [`RouteTable::public`] with its reason. Pages for signed-in people are registered by
//! [`RouteTable::page`]: the one place where a session's cookie counts. Depends on `model`.

mod answer;
mod authenticate;
mod call;
mod egress;
mod error;
mod form;
mod listener;
mod password_hash;
mod permit;
mod route;

pub use answer::{Answer, created, json, no_content, text, with_header};
pub use authenticate::{AuthenticationError, Authenticator, BoundToken, BoxFuture, Credentials};
pub use call::{Call, FilePart, FormParts, LocalPeer, PeerAddress, PeerCertificate, RequestedTenant};
pub use egress::{Egress, EgressAnswer, EgressError, EgressStream, EgressTarget, OwnListener};
pub use error::{ErrorItem, RestError};
pub use form::{Fields, SESSION_COOKIE, cookie, form_token, with_cookie, with_form_token};
pub use listener::{
    Arrived, CertificateTrust, ListenerLimits, TlsSource, serve_tls, serve_tls_with_clients, serve_traffic, serve_unix,
};
pub use password_hash::{MAX_PASSWORD_BYTES, PasswordHashError, hash_password, password_fits};
pub use permit::{AuthenticationMethod, Permit, Principal};
pub use route::{Access, Operation, RouteTable, tenant_paths};
