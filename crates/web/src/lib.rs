//! HTTP edge kit of the management side: route table, permits, responders, listener, egress client.
//!
//! A handler that needs a permission cannot be registered without one: [`RouteTable::guarded`] takes the scopes and
//! gives the handler a [`Permit`], which only this crate can make, after authentication and authorisation. What is
//! public is listed by [`RouteTable::public`] with its reason. Depends on `model`.

mod answer;
mod authenticate;
mod call;
mod egress;
mod error;
mod listener;
mod permit;
mod route;

pub use answer::{Answer, created, json, no_content, text, with_header};
pub use authenticate::{AuthenticationError, Authenticator, BoxFuture, Credentials};
pub use call::{Call, FilePart, FormParts, LocalPeer, PeerAddress, RequestedTenant};
pub use egress::{Egress, EgressAnswer, EgressError};
pub use error::{ErrorItem, RestError};
pub use listener::{ListenerLimits, TlsSource, serve_tls, serve_unix};
pub use permit::{AuthenticationMethod, Permit, Principal};
pub use route::{Access, Operation, RouteTable, tenant_paths};
