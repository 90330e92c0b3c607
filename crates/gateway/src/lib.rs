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
mod authenticate;
mod authorise;
mod body;
mod compile;
mod connection;
mod cors;
mod counters;
mod denial;
mod exchange;
mod fault;
mod forward;
mod handle;
mod head;
mod limit;
mod path;
mod pool;
mod resolve;
mod respond;
mod route;
mod settings;
mod template;
mod token_cache;
mod upstream;
mod worker;

pub use access_log::LogSink;
pub use compile::SnapshotFault;
pub use counters::Metrics;
pub use handle::{Gateway, Handle, StartError};
pub use settings::{Caps, GatewaySettings, Listener};
pub use upstream::{UpstreamTlsError, upstream_tls};
