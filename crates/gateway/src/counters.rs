//! Counters of one worker, written without contention and merged when they are read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Repeats for each counter: its variant and its field in [`Metrics`].
macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident => $field:ident,)+) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Counter {
            $($(#[$doc])* $variant,)+
        }

        /// Number of counters.
        const COUNT: usize = [$(Counter::$variant),+].len();

        /// Counters of all workers together, since the start.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Metrics {
            $($(#[$doc])* pub $field: u64,)+
            /// Answers by duration: upper bound of the bucket and answers within it, not cumulative. The last bucket has
            /// no bound.
            pub duration_buckets: Vec<(Option<Duration>, u64)>,
            /// Sum of the durations of all answers.
            pub duration_sum: Duration,
            /// Faults by WSO2 code.
            pub faults: std::collections::BTreeMap<u32, u64>,
        }

        impl Metrics {
            pub(crate) fn merge(&mut self, counters: &Counters) {
                $(self.$field += counters.get(Counter::$variant);)+
                self.merge_histogram(counters);
            }
        }
    };
}

counters! {
    /// Connections accepted.
    Connections => connections,
    /// Connections closed.
    Closed => connections_closed,
    /// Connections refused because a worker was full.
    ConnectionsRefused => connections_refused,
    /// TLS handshakes that failed or took too long.
    HandshakesFailed => handshakes_failed,
    /// Connections cut because a timeout passed.
    Cut => connections_cut,
    /// Answers.
    Requests => requests,
    /// Answers with status 1xx or 2xx.
    Status2xx => status_2xx,
    /// Answers with status 3xx.
    Status3xx => status_3xx,
    /// Answers with status 4xx.
    Status4xx => status_4xx,
    /// Answers with status 5xx.
    Status5xx => status_5xx,
    /// Bytes of request bodies.
    BytesIn => bytes_in,
    /// Bytes of answer bodies.
    BytesOut => bytes_out,
    /// Tokens whose signature was checked.
    TokensVerified => tokens_verified,
    /// Tokens that verification refused.
    TokensRefused => tokens_refused,
    /// Credentials that somebody else was asked about.
    CredentialsAsked => credentials_asked,
    /// Calls whose token was known already.
    TokenCacheHits => token_cache_hits,
    /// Connections opened to upstreams.
    UpstreamConnections => upstream_connections,
    /// Calls that took an idle upstream connection.
    UpstreamReuses => upstream_reuses,
    /// Calls repeated because an idle upstream connection turned out to be closed.
    UpstreamRetries => upstream_retries,
    /// Calls that failed at the upstream.
    UpstreamFailures => upstream_failures,
    /// Access log records that were lost because the writer was behind.
    LogLost => log_records_lost,
}

/// Upper bounds of the duration buckets, microseconds.
const BUCKETS: [u64; 14] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// Codes that faults have; others count under 0.
const CODES: [u32; 31] = [
    0, 400, 404, 405, 413, 414, 431, 700_700, 900_800, 900_801, 900_802, 900_803, 900_804, 900_805, 900_806, 900_807,
    900_901, 900_902, 900_903, 900_907, 900_908, 900_910, 900_912, 102_511, 900_422, 900_820, 900_821, 101_503,
    101_504, 303_001, 900_900,
];

/// Counters of one worker. Only that worker adds, so an addition is a load and a store.
#[derive(Debug)]
pub(crate) struct Counters {
    plain: [AtomicU64; COUNT],
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
    faults: [AtomicU64; CODES.len()],
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            plain: std::array::from_fn(|_| AtomicU64::new(0)),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            micros: AtomicU64::new(0),
            faults: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Adds one.
    pub(crate) fn add(&self, counter: Counter) {
        self.add_many(counter, 1);
    }

    /// Adds many.
    pub(crate) fn add_many(&self, counter: Counter, amount: u64) {
        bump(self.plain.get(counter as usize), amount);
    }

    /// Counts an answer by duration.
    pub(crate) fn duration(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        bump(self.buckets.get(BUCKETS.partition_point(|bound| *bound < micros)), 1);
        bump(Some(&self.micros), micros);
    }

    /// Counts a fault.
    pub(crate) fn fault(&self, code: u32) {
        bump(self.faults.get(CODES.iter().position(|c| *c == code).unwrap_or(0)), 1);
    }

    fn get(&self, counter: Counter) -> u64 {
        self.plain.get(counter as usize).map_or(0, |c| c.load(Ordering::Relaxed))
    }
}

fn bump(counter: Option<&AtomicU64>, amount: u64) {
    if let Some(counter) = counter {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }
}

impl Metrics {
    fn merge_histogram(&mut self, counters: &Counters) {
        let bounds = BUCKETS.iter().map(|micros| Some(Duration::from_micros(*micros))).chain([None]);
        if self.duration_buckets.is_empty() {
            self.duration_buckets = bounds.map(|bound| (bound, 0)).collect();
        }
        for (bucket, counter) in self.duration_buckets.iter_mut().zip(&counters.buckets) {
            bucket.1 += counter.load(Ordering::Relaxed);
        }
        self.duration_sum += Duration::from_micros(counters.micros.load(Ordering::Relaxed));
        for (code, counter) in CODES.iter().zip(&counters.faults) {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                *self.faults.entry(*code).or_default() += count;
            }
        }
    }
}
