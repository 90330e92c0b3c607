//! What the gateway counts for usage analytics: calls of an API by an application under a plan, as they were answered.

use std::time::Duration;

use crate::{ApiId, ApplicationId, TenantId};

/// Number of duration buckets.
const BUCKETS: usize = USAGE_BOUNDS.len() + 1;

/// Upper bounds of the duration buckets, microseconds; the bucket after the last has none.
pub const USAGE_BOUNDS: [u64; 9] = [1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// Calls, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Answers with status 1xx or 2xx, 3xx, 4xx and 5xx.
    pub answers: [u64; 4],
    /// Sum of their durations to the last byte, microseconds.
    pub micros: u64,
    /// Bytes of request bodies.
    pub bytes_in: u64,
    /// Bytes of answer bodies.
    pub bytes_out: u64,
    /// Answers by duration, see [`USAGE_BOUNDS`]; not cumulative.
    pub buckets: [u64; BUCKETS],
}

impl UsageTotals {
    /// Counts one answer.
    pub fn count(&mut self, status: u16, took: Duration, (bytes_in, bytes_out): (u64, u64)) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = usize::from(status / 100).saturating_sub(2).min(3);
        for counter in
            [self.answers.get_mut(class), self.buckets.get_mut(USAGE_BOUNDS.partition_point(|bound| *bound < micros))]
                .into_iter()
                .flatten()
        {
            *counter += 1;
        }
        self.micros = self.micros.saturating_add(micros);
        self.bytes_in = self.bytes_in.saturating_add(bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(bytes_out);
    }

    /// Adds others.
    pub fn add(&mut self, more: &Self) {
        let own = self.answers.iter_mut().chain(&mut self.buckets);
        for (own, more) in own.zip(more.answers.iter().chain(&more.buckets)) {
            *own += more;
        }
        self.micros = self.micros.saturating_add(more.micros);
        self.bytes_in = self.bytes_in.saturating_add(more.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(more.bytes_out);
    }

    /// All answers.
    pub fn calls(&self) -> u64 {
        self.answers.iter().sum()
    }

    /// Answers with status 4xx or 5xx.
    pub const fn errors(&self) -> u64 {
        let [_, _, client, server] = self.answers;
        client + server
    }

    /// Mean duration, microseconds; 0 without calls.
    pub fn mean_micros(&self) -> u64 {
        self.micros.checked_div(self.calls()).unwrap_or(0)
    }

    /// The bound of the bucket in which the share `quantile` (0 to 1) of the calls has ended, microseconds. `None` without
    /// calls, and where that is the bucket without a bound.
    pub fn quantile_micros(&self, quantile: f64) -> Option<u64> {
        let calls = self.calls();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count; a bucket is no more exact than that"
        )]
        let wanted = ((calls as f64 * quantile.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        for (bound, count) in USAGE_BOUNDS.iter().zip(&self.buckets) {
            seen += count;
            if calls > 0 && seen >= wanted {
                return Some(*bound);
            }
        }
        None
    }
}

/// What calls are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UsageKey {
    /// Tenant of the API.
    pub tenant: TenantId,
    /// The API.
    pub api: ApiId,
    /// Who called; `None` where the call was refused before that was known, and for calls without security.
    pub application: Option<ApplicationId>,
    /// Business plan of the subscription.
    pub plan: Option<std::sync::Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_class_and_duration() {
        let mut totals = UsageTotals::default();
        assert_eq!((totals.mean_micros(), totals.quantile_micros(0.5)), (0, None));
        for (status, micros) in [(101, 900), (200, 1_000), (204, 1_001), (302, 30_000), (404, 60_000), (503, 9_000_000)]
        {
            totals.count(status, Duration::from_micros(micros), (1, 2));
        }
        assert_eq!(totals.answers, [3, 1, 1, 1]);
        assert_eq!(totals.buckets, [2, 1, 0, 0, 1, 1, 0, 0, 0, 1]);
        assert_eq!((totals.calls(), totals.errors(), totals.bytes_in, totals.bytes_out), (6, 2, 6, 12));
        assert_eq!(totals.quantile_micros(0.5), Some(5_000));
        assert_eq!(totals.quantile_micros(1.0), None, "the slowest took longer than the last bound");
        let mut twice = totals;
        twice.add(&totals);
        assert_eq!((twice.calls(), twice.micros), (12, 2 * totals.micros));
    }
}
