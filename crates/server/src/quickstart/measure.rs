//! How long a call through the gateway takes: the first, and the median of warm ones.

use std::time::{Duration, Instant};

use http::StatusCode;

use crate::client::{Client, Reply};
use crate::failure::{Failure, Outcome};

/// Warm calls that are measured.
const WARM: usize = 200;

/// Measured durations of one call.
pub(super) struct Latency {
    /// TCP, TLS handshake, token verification, first upstream connection, answer.
    pub(super) first: Duration,
    /// Median on an open connection.
    pub(super) warm_median: Duration,
    /// The first answer.
    pub(super) answer: Reply,
}

/// Calls a path once on a new connection, then often on that connection.
pub(super) async fn measure(gateway: &Client, path: &str) -> Outcome<Latency> {
    let begun = Instant::now();
    let mut connection = gateway.connect().await?;
    let answer = connection.get(path).await?;
    let first = begun.elapsed();
    if answer.status != StatusCode::OK {
        answer.accepted("serve the call through the gateway")?;
        return Err(Failure::internal("the call through the gateway was not answered with 200"));
    }
    let mut taken = Vec::with_capacity(WARM);
    for _ in 0..WARM {
        let begun = Instant::now();
        connection.get(path).await?.accepted("serve the call through the gateway")?;
        taken.push(begun.elapsed());
    }
    taken.sort_unstable();
    let warm_median = taken.get(WARM / 2).copied().unwrap_or_default();
    Ok(Latency { first, warm_median, answer })
}

/// A duration for people: `412 µs`, `3.1 ms`.
pub(super) fn human(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros < 1000 { format!("{micros} µs") } else { format!("{:.1} ms", duration.as_secs_f64() * 1000.0) }
}
