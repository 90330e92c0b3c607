//! What is known about a target, shared by all workers and carried from snapshot to snapshot.

use model::snapshot::{Breaker, HealthCheck, TargetRules};
use model::{ApiId, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Entries that nothing refers to any more are dropped when there are more than this.
const MAX_STATES: usize = 20_000;
/// After a suspension one call tries the target; the next one may when it has not ended after this time, milliseconds.
const TRIAL_MS: i64 = 5_000;

/// WSO2's codes of transport failures (101500 to 101508).
pub(crate) mod code {
    /// The request broke off.
    pub(crate) const SENDING: u32 = 101_500;
    /// The answer broke off.
    pub(crate) const RECEIVING: u32 = 101_501;
    /// No connection.
    pub(crate) const CONNECTION_FAILED: u32 = 101_503;
    /// No answer in time.
    pub(crate) const TIMEOUT: u32 = 101_504;
    /// Closed without an answer.
    pub(crate) const CLOSED: u32 = 101_505;
    /// Not HTTP.
    pub(crate) const PROTOCOL: u32 = 101_506;
    /// No connection in time.
    pub(crate) const CONNECT_TIMEOUT: u32 = 101_508;
}

/// State of one target of one endpoint. Times are milliseconds of the clock.
#[derive(Debug)]
pub(crate) struct TargetState {
    suspended_until: AtomicI64,
    /// Length of the last suspension; 0 after a success.
    suspension: AtomicI64,
    /// When a call was let through after a suspension.
    trial: AtomicI64,
    /// Failures of the kind that must repeat.
    marked: AtomicU32,
    in_flight: AtomicU32,
    healthy: AtomicBool,
    /// Health answers in a row that contradict `healthy`.
    contradicted: AtomicU32,
    /// Window of the breaker: its number in the high 32 bits, calls and failures in 16 each.
    window: AtomicU64,
}

impl Default for TargetState {
    fn default() -> Self {
        Self {
            suspended_until: AtomicI64::new(0),
            suspension: AtomicI64::new(0),
            trial: AtomicI64::new(0),
            marked: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            healthy: AtomicBool::new(true),
            contradicted: AtomicU32::new(0),
            window: AtomicU64::new(0),
        }
    }
}

impl TargetState {
    /// Whether calls may go there. After a suspension, one of them may, and the others when that one succeeded.
    pub(crate) fn may_be_called(&self, now: Timestamp) -> bool {
        if !self.healthy.load(Ordering::Relaxed) {
            return false;
        }
        let until = self.suspended_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        now.millis() >= until && now.millis() - self.trial.load(Ordering::Relaxed) >= TRIAL_MS
    }

    /// Takes the one call after a suspension; false when somebody else has it.
    pub(crate) fn begin(&self, now: Timestamp) -> bool {
        if self.suspended_until.load(Ordering::Relaxed) == 0 {
            return true;
        }
        let last = self.trial.load(Ordering::Relaxed);
        now.millis() - last >= TRIAL_MS
            && self.trial.compare_exchange(last, now.millis(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Calls under way.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// An answer came.
    pub(crate) fn answered(&self, failed: bool, breaker: Option<&Breaker>, now: Timestamp) {
        if let Some(breaker) = breaker
            && self.count(failed, breaker, now)
        {
            return;
        }
        if self.marked.load(Ordering::Relaxed) != 0 {
            self.marked.store(0, Ordering::Relaxed);
        }
        // Only a call that tries ends a suspension: others may have begun before it.
        if self.suspended_until.load(Ordering::Relaxed) != 0 && self.trial.load(Ordering::Relaxed) != 0 {
            self.suspended_until.store(0, Ordering::Relaxed);
            self.suspension.store(0, Ordering::Relaxed);
            self.trial.store(0, Ordering::Relaxed);
        }
    }

    /// The transport failed with one of WSO2's codes.
    pub(crate) fn failed(&self, code: u32, rules: &TargetRules, breaker: Option<&Breaker>, now: Timestamp) {
        if let Some(breaker) = breaker {
            self.count(true, breaker, now);
        }
        if rules.retry_codes.contains(&code) {
            let before = self.marked.fetch_add(1, Ordering::Relaxed);
            if before < rules.retries_before_suspension {
                if rules.retry_delay_ms > 0 {
                    self.pause(i64::from(rules.retry_delay_ms), now);
                }
                return;
            }
        } else if !rules.suspend_codes.is_empty() && !rules.suspend_codes.contains(&code) {
            return;
        }
        if rules.suspend_ms > 0 {
            let last = self.suspension.load(Ordering::Relaxed);
            let next = if last == 0 {
                i64::from(rules.suspend_ms)
            } else {
                last.saturating_mul(i64::from(rules.factor_milli)) / 1000
            };
            let next = next.clamp(1, i64::from(rules.suspend_max_ms.max(rules.suspend_ms)));
            self.suspension.store(next, Ordering::Relaxed);
            self.pause(next, now);
        }
    }

    fn pause(&self, millis: i64, now: Timestamp) {
        self.suspended_until.store(now.millis().saturating_add(millis), Ordering::Relaxed);
        self.trial.store(0, Ordering::Relaxed);
    }

    /// Counts a call for the breaker; true when it opens.
    fn count(&self, failed: bool, breaker: &Breaker, now: Timestamp) -> bool {
        if breaker.error_percent == 0 {
            return false;
        }
        let second = u64::try_from(now.seconds()).unwrap_or(0);
        let number = (second / u64::from(breaker.window_seconds.max(1))) & 0xffff_ffff;
        let mut after = (0, 0);
        let add = |window: u64| {
            let (calls, failures) =
                if window >> 32 == number { (window >> 16 & 0xffff, window & 0xffff) } else { (0, 0) };
            // Beyond what the fields hold, the part stays what it is.
            after = (if calls == 0xffff { calls } else { calls + 1 }, (failures + u64::from(failed)).min(0xffff));
            Some(number << 32 | after.0 << 16 | after.1)
        };
        let _always = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        let (calls, failures) = after;
        let trips = failed
            && calls >= u64::from(breaker.minimum_calls.max(1))
            && failures * 100 >= calls * u64::from(breaker.error_percent);
        // A failed trial opens it again whatever the window says.
        let again = failed && self.suspended_until.load(Ordering::Relaxed) != 0;
        if trips || again {
            self.window.store(number << 32, Ordering::Relaxed);
            self.pause(i64::from(breaker.open_ms.max(1)), now);
        }
        trips || again
    }

    /// A health answer.
    pub(crate) fn heard(&self, good: bool, check: &HealthCheck) {
        let healthy = self.healthy.load(Ordering::Relaxed);
        if good == healthy {
            self.contradicted.store(0, Ordering::Relaxed);
            return;
        }
        let needed = if good { check.healthy_after } else { check.unhealthy_after };
        if self.contradicted.fetch_add(1, Ordering::Relaxed) + 1 >= needed.max(1) {
            self.contradicted.store(0, Ordering::Relaxed);
            self.healthy.store(good, Ordering::Relaxed);
        }
    }

    /// Forgets health answers, because nobody asks any more.
    pub(crate) fn presume_healthy(&self) {
        self.healthy.store(true, Ordering::Relaxed);
    }
}

/// Counts a call under way, to the end of its answer.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<TargetState>);

impl InFlight {
    /// A call begins, unless `most` are under way; 0 is any number.
    pub(crate) fn begin(state: &Arc<TargetState>, most: u32) -> Option<Self> {
        let add = |count: u32| (most == 0 || count < most).then(|| count.saturating_add(1));
        state.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Self(Arc::clone(state)))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// States by API, side and URL. Locked while a snapshot is compiled.
#[derive(Debug, Default)]
pub(crate) struct States(Mutex<HashMap<(ApiId, bool, String), Arc<TargetState>>>);

impl States {
    /// The state of a target, made when needed.
    pub(crate) fn get(&self, api: ApiId, production: bool, url: &str) -> Arc<TargetState> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MAX_STATES {
            map.retain(|_, state| Arc::strong_count(state) > 1);
        }
        Arc::clone(map.entry((api, production, url.to_owned())).or_default())
    }
}

#[cfg(test)]
mod tests;
