//! Counters of long windows outlive a restart.
//!
//! A window of an hour or longer that began before a restart goes on after it. Shorter ones are not worth a file: they
//! would have ended by the time the gateway is back.

use model::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use super::{COUNT_BITS, COUNT_MASK, CounterKey, Counters, MAX_COUNTERS, Window};

/// Shortest window that is kept, seconds.
const SHORTEST: u64 = 3600;
/// Form of the text; another one is not read.
const VERSION: u32 = 1;

#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    version: u32,
    counters: Vec<(CounterKey, u64)>,
}

/// Whether a counter's window is at least an hour long. The number of a window is the time divided by its length, so a
/// long one has a small number.
fn is_long(raw: u64, now: Timestamp) -> bool {
    let number = raw >> COUNT_BITS;
    let latest = u64::try_from(now.seconds()).unwrap_or(0) / SHORTEST;
    raw & COUNT_MASK > 0 && number > 0 && number <= latest
}

impl Counters {
    /// The counters of long windows, for [`Counters::restore`].
    pub(crate) fn state(&self, now: Timestamp) -> Vec<u8> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = |window: &Arc<Window>| window.0.load(Ordering::Relaxed);
        let kept =
            table.map.iter().map(|(key, window)| (key.clone(), raw(window))).filter(|(_, raw)| is_long(*raw, now));
        let kept = Kept { version: VERSION, counters: kept.collect() };
        drop(table);
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// Takes over what [`Counters::state`] gave before a restart; how many counters. Counters that were used in the
    /// meantime keep the larger count of the same window.
    pub(crate) fn restore(&self, state: &[u8], now: Timestamp) -> usize {
        let Ok(kept) = serde_json::from_slice::<Kept>(state) else { return 0 };
        if kept.version != VERSION {
            return 0;
        }
        let mut restored = 0;
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, raw) in kept.counters.into_iter().filter(|(_, raw)| is_long(*raw, now)).take(MAX_COUNTERS) {
            let window = table.map.entry(key).or_insert_with(|| Arc::new(Window(AtomicU64::new(0))));
            window.0.fetch_max(raw, Ordering::Relaxed);
            restored += 1;
        }
        restored
    }
}

#[cfg(test)]
mod tests {
    use crate::limit::{CounterKey, Counters};
    use model::snapshot::{Quota, QuotaUnit};
    use model::{ApplicationId, Timestamp};
    use uuid::Uuid;

    fn quota(window_seconds: u64) -> Quota {
        Quota { amount: 3, unit: QuotaUnit::Requests, window_seconds }
    }

    #[test]
    fn long_windows_go_on_after_a_restart_and_short_ones_do_not() {
        let now = Timestamp::from_seconds(1_795_219_200);
        let (day, minute) = (quota(86_400), quota(60));
        let user = |name: &str| CounterKey::User(ApplicationId::new(Uuid::from_u128(1)), name.into());
        let before = Counters::default();
        for _ in 0..2 {
            assert!(before.get(user("day")).admit(day, now, 1));
            assert!(before.get(user("minute")).admit(minute, now, 1));
        }
        let state = before.state(now);
        let after = Counters::default();
        assert_eq!(after.restore(&state, now), 1);
        assert!(after.get(user("day")).admit(day, now, 1));
        assert!(!after.get(user("day")).admit(day, now, 1), "the day's quota is used up");
        assert!(after.get(user("minute")).admit(minute, now, 3));
        let tomorrow = Timestamp::from_seconds(now.seconds() + 86_400);
        assert!(after.get(user("day")).admit(day, tomorrow, 3), "a new day has a new quota");
    }

    #[test]
    fn a_damaged_state_is_no_state() {
        let counters = Counters::default();
        for state in [&b""[..], b"{}", b"[]", b"\xff", br#"{"version":2,"counters":[]}"#] {
            assert_eq!(counters.restore(state, Timestamp::from_seconds(1_795_219_200)), 0);
        }
    }

    #[test]
    fn counters_of_the_future_are_not_believed() {
        // A file from a machine whose clock was ahead must not block anybody for years.
        let now = Timestamp::from_seconds(1_795_219_200);
        let counters = Counters::default();
        let later = Timestamp::from_seconds(now.seconds() * 2);
        let key = CounterKey::User(ApplicationId::new(Uuid::from_u128(1)), "u".into());
        assert!(counters.get(key.clone()).admit(quota(3600), later, 3));
        let restored = Counters::default();
        restored.restore(&counters.state(later), now);
        assert!(restored.get(key).admit(quota(3600), now, 3));
    }
}
