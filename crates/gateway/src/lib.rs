//! The data plane: listeners, TLS, routing, pipeline over the snapshot, upstream pools, limits, access log.
//!
//! Depends on `model`, `policy` and `jose` only: a gateway gets a [`model::snapshot::Snapshot`], keys and a clock, and
//! never sees the store or the control plane. One `current_thread` runtime per worker, each with its own listener
//! (`SO_REUSEPORT`), upstream pool, token cache, counters and log buffer; what workers share is immutable or atomic.
//!
//! A call runs through fixed phases, each in the file of its name: `path` and `head` (what the client said) → `route` →
//! `cors` → `authenticate` → `authorise` (the only maker of a `Permit`, which `forward` needs) → `limit` → policies → `forward` →
//! `respond` → `access_log`. `exchange` holds them together; `fault` is the one place that writes errors.

mod access_log;
mod answer_cache;
mod api_log;
mod assertion;
mod authenticate;
mod authorise;
mod binding;
mod body;
mod client_certificate;
mod compile;
mod connection;
mod cors;
#[cfg(test)]
mod counted;
mod counters;
mod denial;
mod entitlement;
mod events;
mod exchange;
mod fault;
mod forward;
#[cfg(test)]
mod fuzz;
mod graphql;
mod handle;
mod head;
mod inquiry;
mod limit;
mod outbound_token;
mod path;
mod pool;
mod proxy;
mod resolve;
mod respond;
mod route;
mod series;
mod settings;
mod template;
mod token_cache;
mod tokens;
mod trace;
mod traffic;
mod upstream;
mod usage;
mod websocket;
mod worker;

pub use access_log::LogSink;
pub use assertion::{AssertionSigner, BackendToken};
pub use compile::{SnapshotFault, WrongVersion};
pub use counters::Metrics;
pub use handle::{ChangeError, Gateway, Handle, StartError};
pub use inquiry::{CredentialJudge, Judgement, Judging, KnownUser, TokenQuestion, UserQuestion};
pub use outbound_token::{ClientCredentials, OutboundToken, TokenAnswer, TokenClient};
pub use proxy::{ForwardedField, Proxies};
pub use series::{ApiSeries, Series};
pub use settings::{Caps, GatewaySettings, Listener};
pub use upstream::{UpstreamTlsError, upstream_tls};
