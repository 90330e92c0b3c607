//! The server's log: records from `tracing`, written by one thread, rotated and kept for a stated time.
//!
//! The request path only puts a finished line into a bounded queue. When the queue is full, or the disk is, records are
//! dropped and counted; the count is in `/metrics` and in the log itself as soon as a record can be written again.

mod access;
mod escape;
mod layer;
mod rotate;
mod writer;

pub(crate) use access::AccessLog;
pub(crate) use layer::Style;
pub(crate) use rotate::Rotation;
pub(crate) use writer::{LogCounters, LogGuard, Sink};

use std::sync::Arc;

use model::{Clock, Rng};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::{Failure, Outcome};

/// Starts logging for the process.
///
/// # Errors
/// When the log file cannot be opened, the filter is not one, or logging runs already.
pub(crate) fn start(
    sink: Sink,
    style: Style,
    filter: &str,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
) -> Outcome<LogGuard> {
    let targets: Targets = filter.parse().map_err(|e: tracing_subscriber::filter::ParseError| {
        Failure::usage(format!("{filter:?} is not a log level: {e}"), "write `info`, or `info,hyper=debug`")
    })?;
    let guard = writer::start(sink, Arc::clone(&clock))?;
    let layer = layer::RecordLayer::new(style, guard.queue(), clock, rng);
    let started = tracing_subscriber::registry().with(targets).with(layer).try_init();
    started.map_err(|e| Failure::internal(format!("logging cannot start: {e}")))?;
    Ok(guard)
}

#[cfg(test)]
mod tests;
