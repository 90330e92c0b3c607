//! Accounts that this process keeps locked because their failures could not be stored: guessing does not become free
//! when the database takes no writes (threat model row 19).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::{TenantId, Timestamp, UserId};

/// Accounts remembered at the same time. When full, every further account counts as held.
const MAX_ACCOUNTS: usize = 16_384;

/// Accounts and until when they are held.
#[derive(Default)]
pub(crate) struct Holds(Mutex<HashMap<(TenantId, UserId), Timestamp>>);

impl Holds {
    pub(super) fn add(&self, tenant: TenantId, user: UserId, until: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() < MAX_ACCOUNTS {
            held.insert((tenant, user), until);
        }
    }

    /// Whether the account is held now. Forgets those whose time is over when the list is full.
    pub(crate) fn is_held(&self, tenant: TenantId, user: UserId, now: Timestamp) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MAX_ACCOUNTS {
            held.retain(|_, until| now < *until);
        }
        held.len() >= MAX_ACCOUNTS || held.get(&(tenant, user)).is_some_and(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::Holds;
    use model::{TenantId, Timestamp, UserId};
    use testkit::SeededRng;

    #[test]
    fn an_account_is_held_for_its_time_and_a_full_list_holds_everybody() {
        let holds = Holds::default();
        let rng = SeededRng::new(3);
        let rng: &dyn model::Rng = &rng;
        let (one, other) = (UserId::new(rng.uuid()), UserId::new(rng.uuid()));
        let at = Timestamp::from_seconds;
        holds.add(TenantId::SUPER, one, at(20));
        assert!(holds.is_held(TenantId::SUPER, one, at(10)) && !holds.is_held(TenantId::SUPER, other, at(10)));
        assert!(!holds.is_held(TenantId::SUPER, one, at(20)));
        for _ in 0..super::MAX_ACCOUNTS {
            holds.add(TenantId::SUPER, UserId::new(rng.uuid()), at(100));
        }
        assert!(holds.is_held(TenantId::SUPER, other, at(15)));
        assert!(!holds.is_held(TenantId::SUPER, other, at(100)));
    }
}
