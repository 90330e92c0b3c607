//! A budget of failed attempts per network address (threat model row 19).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Timestamp;

const WINDOW: Duration = Duration::from_mins(5);
/// Addresses remembered at the same time: about 1 MiB. When full, the addresses with the oldest windows go.
const MAX_ADDRESSES: usize = 16_384;

/// Failed attempts by address. Kept in memory: a restart forgets addresses, never account locks.
pub(crate) struct AddressBudget {
    limit: u32,
    windows: Mutex<HashMap<IpAddr, Window>>,
}

#[derive(Clone, Copy)]
struct Window {
    began: Timestamp,
    failures: u32,
}

impl AddressBudget {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit: limit.max(1), windows: Mutex::new(HashMap::new()) }
    }

    /// Whether the address has used its budget up.
    pub(crate) fn is_exhausted(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let Some(address) = address.map(network) else { return false };
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(&address).is_some_and(|w| now.since(w.began) < WINDOW && w.failures >= self.limit)
    }

    /// Counts a failed attempt.
    pub(crate) fn count(&self, address: Option<IpAddr>, now: Timestamp) {
        let Some(address) = address.map(network) else { return };
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_ADDRESSES && !windows.contains_key(&address) {
            windows.retain(|_, w| now.since(w.began) < WINDOW);
            if windows.len() >= MAX_ADDRESSES {
                let oldest = windows.iter().min_by_key(|(_, w)| w.began).map(|(a, _)| *a);
                oldest.map(|a| windows.remove(&a));
            }
        }
        let window = windows.entry(address).or_insert(Window { began: now, failures: 0 });
        if now.since(window.began) >= WINDOW {
            *window = Window { began: now, failures: 0 };
        }
        window.failures = window.failures.saturating_add(1);
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
        let budget = AddressBudget::new(3);
        let now = Timestamp::from_seconds(1000);
        let one: Option<IpAddr> = Some("192.0.2.1".parse().unwrap());
        (0..3).for_each(|_| budget.count(one, now));
        assert!(budget.is_exhausted(one, now));
        assert!(!budget.is_exhausted(Some("192.0.2.2".parse().unwrap()), now));
        assert!(!budget.is_exhausted(one, now.plus(WINDOW)));
        budget.count(one, now.plus(WINDOW));
        assert!(!budget.is_exhausted(one, now.plus(WINDOW)));
    }

    #[test]
    fn a_whole_ipv6_network_shares_one_budget() {
        let budget = AddressBudget::new(1);
        let now = Timestamp::from_seconds(1000);
        budget.count(Some("2001:db8::1".parse().unwrap()), now);
        assert!(budget.is_exhausted(Some("2001:db8::ffff".parse().unwrap()), now));
        assert!(!budget.is_exhausted(Some("2001:db8:0:1::1".parse().unwrap()), now));
    }

    #[test]
    fn memory_is_bounded() {
        let budget = AddressBudget::new(1);
        for n in 0..u32::try_from(MAX_ADDRESSES).unwrap() + 10 {
            budget.count(Some(IpAddr::V4(Ipv4Addr::from_bits(n))), Timestamp::from_seconds(i64::from(n / 1000)));
        }
        assert!(budget.windows.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
