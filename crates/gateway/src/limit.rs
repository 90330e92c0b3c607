//! Request limits: fixed windows in one atomic each, shared by all workers without a lock.
//!
//! A window is aligned to the clock (minute, hour, ...), as WSO2's scenarios expect. Admission is exact: the number of
//! admitted requests never exceeds the quota, whatever the workers do at the same time. Counters outlive snapshots.

pub(crate) mod condition;
pub(crate) mod custom;
mod keep;

use model::snapshot::{Quota, QuotaUnit};
use model::{ApiId, ApplicationId, SubscriptionId, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::tokens::TokenKind;

/// Low bits of a window: the count. 2^40 is a terabyte, or a million requests a second for twelve days.
const COUNT_BITS: u32 = 40;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// Counters that nothing refers to any more are dropped when there are more than this.
const MAX_COUNTERS: usize = 200_000;

/// One counter: the window's number (mod 2^24) in the high bits, the count in the low bits.
#[derive(Debug, Default)]
pub(crate) struct Window(AtomicU64);

impl Window {
    /// Adds `amount` if the quota of the current window allows it. Requests need room for the whole amount; bytes are
    /// admitted while the quota is not used up, because their number is known only afterwards.
    pub(crate) fn admit(&self, quota: Quota, now: Timestamp, amount: u64) -> bool {
        let number = number(quota, now);
        let mut current = self.0.load(Ordering::Relaxed);
        loop {
            let used = if current >> COUNT_BITS == number { current & COUNT_MASK } else { 0 };
            let room = match quota.unit {
                QuotaUnit::Requests => used.saturating_add(amount) <= quota.amount,
                QuotaUnit::Bytes | QuotaUnit::Tokens => used < quota.amount,
            };
            if !room {
                return false;
            }
            let next = number << COUNT_BITS | used.saturating_add(amount).min(COUNT_MASK);
            match self.0.compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(changed) => current = changed,
            }
        }
    }

    /// Adds bytes that have been moved already.
    pub(crate) fn charge(&self, quota: Quota, now: Timestamp, amount: u64) {
        let number = number(quota, now);
        let add = |current: u64| {
            let used = if current >> COUNT_BITS == number { current & COUNT_MASK } else { 0 };
            Some(number << COUNT_BITS | used.saturating_add(amount).min(COUNT_MASK))
        };
        let _always = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Takes back what [`Window::admit`] added, because another limit refused the call.
    fn refund(&self, quota: Quota, now: Timestamp, amount: u64) {
        let number = number(quota, now);
        let subtract = |current: u64| {
            (current >> COUNT_BITS == number)
                .then(|| number << COUNT_BITS | (current & COUNT_MASK).saturating_sub(amount))
        };
        let _stale = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, subtract);
    }
}

/// When the window that a time lies in ends.
fn window_end(quota: Quota, now: Timestamp) -> Timestamp {
    let length = i64::try_from(quota.window_seconds.max(1)).unwrap_or(i64::MAX);
    Timestamp::from_seconds(now.seconds().div_euclid(length).saturating_add(1).saturating_mul(length))
}

fn number(quota: Quota, now: Timestamp) -> u64 {
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    (seconds / quota.window_seconds.max(1)) & ((1 << (64 - COUNT_BITS)) - 1)
}

/// Which limit refused a call, as the WSO2 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// 900800.
    Api,
    /// 900802.
    Resource,
    /// 900803.
    Application,
    /// 900804.
    Subscription,
    /// 900806: a custom rule.
    Custom,
    /// 900807.
    Burst,
    /// 900801: the backend's `maxTps`.
    Backend,
}

impl Level {
    /// WSO2's error code.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Api => 900_800,
            Self::Backend => 900_801,
            Self::Resource => 900_802,
            Self::Application => 900_803,
            Self::Subscription => 900_804,
            Self::Custom => 900_806,
            Self::Burst => 900_807,
        }
    }
}

/// A quota with its counter.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    /// Which code a refusal gets.
    pub(crate) level: Level,
    /// The quota.
    pub(crate) quota: Quota,
    /// The counter.
    pub(crate) window: Arc<Window>,
}

impl Limit {
    /// For one call.
    pub(crate) fn charge(&self) -> Charge<'_> {
        Charge { level: self.level, quota: self.quota, window: &self.window }
    }
}

/// A limit that one call is charged to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge<'a> {
    /// Which code a refusal gets.
    pub(crate) level: Level,
    /// The quota.
    pub(crate) quota: Quota,
    /// The counter.
    pub(crate) window: &'a Arc<Window>,
}

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Which limit.
    pub(crate) level: Level,
    /// When the window ends.
    pub(crate) next_access: Timestamp,
    /// What is used up.
    pub(crate) quota: Quota,
}

/// What a call is charged before it is answered.
const fn amount_of(unit: QuotaUnit, request_bytes: u64) -> u64 {
    match unit {
        QuotaUnit::Requests => 1,
        QuotaUnit::Bytes => request_bytes,
        QuotaUnit::Tokens => 0,
    }
}

/// Charges a call to all limits or to none. `None` entries are limits that do not apply.
pub(crate) fn admit(charges: &[Option<Charge<'_>>], now: Timestamp, request_bytes: u64) -> Result<(), Refusal> {
    let amount = |charge: &Charge<'_>| amount_of(charge.quota.unit, request_bytes);
    for (index, charge) in charges.iter().enumerate() {
        let Some(charge) = charge else { continue };
        if !charge.window.admit(charge.quota, now, amount(charge)) {
            for earlier in charges.iter().take(index).flatten() {
                earlier.window.refund(earlier.quota, now, amount(earlier));
            }
            let next_access = window_end(charge.quota, now);
            return Err(Refusal { level: charge.level, next_access, quota: charge.quota });
        }
    }
    Ok(())
}

/// Takes back what [`admit`] charged, because something else refuses the call.
pub(crate) fn refund(charges: &[Option<Charge<'_>>], now: Timestamp, request_bytes: u64) {
    for charge in charges.iter().flatten() {
        let amount = amount_of(charge.quota.unit, request_bytes);
        charge.window.refund(charge.quota, now, amount);
    }
}

/// What a counter counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum CounterKey {
    /// All calls of an API.
    Api(ApiId),
    /// All calls of a resource: verb and template.
    Resource(ApiId, String),
    /// A subscription's quota.
    Subscription(SubscriptionId),
    /// A subscription's burst.
    Burst(SubscriptionId),
    /// One user's calls with an application.
    User(ApplicationId, String),
    /// Calls to an API's backend; true for production.
    Backend(ApiId, bool),
    /// Calls of an API, or of a resource of it, that fulfil the conditions of the group with a number.
    Group(ApiId, Option<String>, usize),
    /// Calls of the holder of a client certificate: its alias.
    Certificate(ApiId, String),
    /// Tokens of a subscription's calls.
    Tokens(SubscriptionId, TokenKind),
    /// Calls with one key of the custom rule with a name.
    Custom(String, String),
}

/// All counters. Locked when a snapshot is compiled and when a token is seen for the first time, never on other calls.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    map: HashMap<CounterKey, Arc<Window>>,
    /// How many there may be before those that nothing refers to are looked for.
    sweep_at: usize,
}

impl Table {
    /// Drops what nothing refers to when it is time. The next time is when there are twice as many as are left, so that a
    /// sweep costs each insertion a constant share, however many counters are in use.
    fn sweep(&mut self) {
        if self.map.len() >= self.sweep_at.max(MAX_COUNTERS) {
            self.map.retain(|_, window| Arc::strong_count(window) > 1);
            self.sweep_at = self.map.len().saturating_mul(2);
        }
    }
}

impl Counters {
    /// The counter for a key, made when needed.
    pub(crate) fn get(&self, key: CounterKey) -> Arc<Window> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.sweep();
        Arc::clone(table.map.entry(key).or_default())
    }

    /// Empties the counters of an application's users whose name `is_meant`.
    pub(crate) fn reset_users(&self, application: ApplicationId, is_meant: impl Fn(&str) -> bool) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, window) in &table.map {
            if matches!(key, CounterKey::User(of, user) if *of == application && is_meant(user)) {
                window.0.store(0, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Limit, Window, admit};
    use model::Timestamp;
    use model::snapshot::{Quota, QuotaUnit};
    use std::sync::Arc;

    fn limit(level: Level, amount: u64, unit: QuotaUnit) -> Limit {
        Limit { level, quota: Quota { amount, unit, window_seconds: 60 }, window: Arc::default() }
    }

    #[test]
    fn a_window_ends_with_the_minute() {
        let limit = limit(Level::Application, 3, QuotaUnit::Requests);
        let at = |s| Timestamp::from_seconds(s);
        for _ in 0..3 {
            assert!(admit(&[Some(limit.charge())], at(119), 0).is_ok());
        }
        let refusal = admit(&[Some(limit.charge())], at(119), 0).unwrap_err();
        assert_eq!((refusal.level, refusal.next_access), (Level::Application, at(120)));
        assert!(admit(&[Some(limit.charge())], at(120), 0).is_ok());
    }

    #[test]
    fn a_refusal_charges_nobody() {
        let (wide, narrow) = (limit(Level::Api, 2, QuotaUnit::Requests), limit(Level::Burst, 1, QuotaUnit::Requests));
        let now = Timestamp::from_seconds(600);
        assert!(admit(&[Some(wide.charge()), Some(narrow.charge())], now, 0).is_ok());
        for _ in 0..5 {
            assert_eq!(admit(&[Some(wide.charge()), Some(narrow.charge())], now, 0).unwrap_err().level, Level::Burst);
        }
        assert!(admit(&[Some(wide.charge())], now, 0).is_ok(), "the refused calls were refunded");
        assert!(admit(&[Some(wide.charge())], now, 0).is_err());
    }

    #[test]
    fn bytes_count_after_the_fact() {
        let limit = limit(Level::Application, 1024, QuotaUnit::Bytes);
        let now = Timestamp::from_seconds(600);
        assert!(admit(&[Some(limit.charge())], now, 4096).is_ok());
        assert!(admit(&[Some(limit.charge())], now, 0).is_err());
        let next = Timestamp::from_seconds(660);
        limit.window.charge(limit.quota, next, 2000);
        assert!(admit(&[Some(limit.charge())], next, 0).is_err());
    }

    #[test]
    fn many_threads_never_admit_too_many() {
        let window = Window::default();
        let quota = Quota { amount: 1000, unit: QuotaUnit::Requests, window_seconds: 60 };
        let admitted: usize = std::thread::scope(|scope| {
            let run = || (0..1000).filter(|_| window.admit(quota, Timestamp::from_seconds(60), 1)).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(admitted, 1000);
    }
}
