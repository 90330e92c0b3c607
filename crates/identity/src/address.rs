//! A budget of failed attempts per network address, and one for all addresses together (threat model row 19).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;

const WINDOW: Duration = Duration::from_mins(5);
/// Addresses remembered at the same time: about 1 MiB. When full, the addresses with the oldest windows go.
const MAX_ADDRESSES: usize = 16_384;

/// What is left of an address's budget while all addresses together fail too often, at least one attempt.
const UNDER_ATTACK: u32 = 20;

/// Failed attempts by address. Counts are kept in memory; an address that used its budget up is stored by the caller.
pub(crate) struct AddressBudget {
    limit: u32,
    /// Failures of all addresses in one window after which each address gets a twentieth of its budget. Nobody is shut
    /// out by what others do, but many addresses with a few guesses each get fewer.
    global: u32,
    state: Mutex<State>,
}

struct State {
    windows: HashMap<IpAddr, Window>,
    all: Window,
}

#[derive(Clone, Copy)]
struct Window {
    began: Timestamp,
    failures: u32,
}

impl AddressBudget {
    pub(crate) fn new(limit: u32, global: u32) -> Self {
        let all = Window { began: Timestamp::from_millis(0), failures: 0 };
        Self { limit: limit.max(1), global: global.max(1), state: Mutex::new(State { windows: HashMap::new(), all }) }
    }

    /// Whether the address has used its budget up.
    pub(crate) fn is_exhausted(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let Some(address) = address.map(network) else { return false };
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = self.limit_now(&state, now);
        state.windows.get(&address).is_some_and(|w| w.is_open(now) && w.failures >= limit)
    }

    /// Counts a failed attempt. Gives the network and the end of its window when that used its budget up.
    pub(crate) fn count(&self, address: Option<IpAddr>, now: Timestamp) -> Option<(IpAddr, Timestamp)> {
        let address = network(address?);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut state.windows, address, now);
        state.all.count(now);
        if state.all.failures == self.global {
            tracing::warn!(
                failures = self.global,
                "sign-in attempts fail everywhere; every address gets fewer from here"
            );
        }
        let limit = self.limit_now(&state, now);
        let window = state.windows.entry(address).or_insert(Window { began: now, failures: 0 });
        let before = window.failures;
        window.count(now);
        (before < limit && window.failures >= limit).then(|| (address, window.began.plus(WINDOW)))
    }

    /// Takes up what was stored before a restart: networks and until when they are refused.
    pub(crate) fn restore(&self, locked: impl IntoIterator<Item = (IpAddr, Timestamp)>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (address, until) in locked.into_iter().take(MAX_ADDRESSES) {
            let began =
                Timestamp::from_millis(until.millis().saturating_sub(i64::try_from(WINDOW.as_millis()).unwrap_or(0)));
            state.windows.insert(network(address), Window { began, failures: self.limit });
        }
    }

    fn limit_now(&self, state: &State, now: Timestamp) -> u32 {
        let under_attack = state.all.is_open(now) && state.all.failures >= self.global;
        if under_attack { (self.limit / UNDER_ATTACK).max(1) } else { self.limit }
    }
}

impl Window {
    fn is_open(&self, now: Timestamp) -> bool {
        now.since(self.began) < WINDOW
    }

    fn count(&mut self, now: Timestamp) {
        if !self.is_open(now) {
            *self = Self { began: now, failures: 0 };
        }
        self.failures = self.failures.saturating_add(1);
    }
}

fn make_room(windows: &mut HashMap<IpAddr, Window>, address: IpAddr, now: Timestamp) {
    if windows.len() < MAX_ADDRESSES || windows.contains_key(&address) {
        return;
    }
    windows.retain(|_, w| w.is_open(now));
    if windows.len() >= MAX_ADDRESSES {
        let oldest = windows.iter().min_by_key(|(_, w)| w.began).map(|(a, _)| *a);
        oldest.map(|a| windows.remove(&a));
    }
}

/// One customer's network: the address itself for IPv4, the first 64 bits for IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressBudget, MAX_ADDRESSES, WINDOW};
    use model::Timestamp;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn an_address_recovers_after_its_window() {
        let budget = AddressBudget::new(3, 1000);
        let now = Timestamp::from_seconds(1000);
        let one: Option<IpAddr> = Some("192.0.2.1".parse().unwrap());
        let used_up: Vec<_> = (0..3).filter_map(|_| budget.count(one, now)).collect();
        assert_eq!(used_up, [("192.0.2.1".parse().unwrap(), now.plus(WINDOW))]);
        assert!(budget.is_exhausted(one, now));
        assert!(!budget.is_exhausted(Some("192.0.2.2".parse().unwrap()), now));
        assert!(!budget.is_exhausted(one, now.plus(WINDOW)));
        budget.count(one, now.plus(WINDOW));
        assert!(!budget.is_exhausted(one, now.plus(WINDOW)));
    }

    #[test]
    fn a_whole_ipv6_network_shares_one_budget() {
        let budget = AddressBudget::new(1, 100_000);
        let now = Timestamp::from_seconds(1000);
        budget.count(Some("2001:db8::1".parse().unwrap()), now);
        assert!(budget.is_exhausted(Some("2001:db8::ffff".parse().unwrap()), now));
        assert!(!budget.is_exhausted(Some("2001:db8:0:1::1".parse().unwrap()), now));
    }

    #[test]
    fn memory_is_bounded() {
        let budget = AddressBudget::new(1, 100_000);
        for n in 0..u32::try_from(MAX_ADDRESSES).unwrap() + 10 {
            budget.count(Some(IpAddr::V4(Ipv4Addr::from_bits(n))), Timestamp::from_seconds(i64::from(n / 1000)));
        }
        assert!(budget.state.lock().unwrap().windows.len() <= MAX_ADDRESSES);
    }

    #[test]
    fn many_addresses_together_get_less_and_a_fresh_one_still_gets_in() {
        let budget = AddressBudget::new(100, 1000);
        let now = Timestamp::from_seconds(1000);
        let address = |n: u32| Some(IpAddr::V4(Ipv4Addr::from_bits(n)));
        for n in 0..250 {
            for _ in 0..4 {
                budget.count(address(n), now);
            }
        }
        assert!(!budget.is_exhausted(address(0), now), "four of five");
        budget.count(address(0), now);
        assert!(budget.is_exhausted(address(0), now), "a twentieth of 100");
        assert!(!budget.is_exhausted(address(9999), now));
        assert!(!budget.is_exhausted(address(0), now.plus(WINDOW)));
    }

    #[test]
    fn a_restart_does_not_forget_refused_addresses() {
        let now = Timestamp::from_seconds(1000);
        let before = AddressBudget::new(2, 1000);
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        before.count(Some(one), now);
        let locked = before.count(Some(one), now).unwrap();
        let after = AddressBudget::new(2, 1000);
        after.restore([locked]);
        assert!(after.is_exhausted(Some(one), now.plus(WINDOW / 2)));
        assert!(!after.is_exhausted(Some(one), now.plus(WINDOW)));
    }
}
