//! How often public clients may be heard. Anybody can speak in the name of a client that proves nothing, and some of
//! their requests make us remember something: this bounds how much.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::{ConsumerKey, Timestamp};

use super::client_auth::ProvenClient;
use super::error::OAuthError;
use crate::Identity;

/// Requests of one public client in one window.
const MOST: u32 = 600;
const WINDOW: Duration = Duration::from_mins(1);
/// Clients that are counted at the same time; beyond that all begin anew.
const MAX_CLIENTS: usize = 10_000;

/// Counts requests of public clients.
#[derive(Default)]
pub(crate) struct OpenBudget {
    windows: Mutex<HashMap<ConsumerKey, (Timestamp, u32)>>,
}

impl OpenBudget {
    fn allows(&self, client: &ConsumerKey, now: Timestamp) -> bool {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_CLIENTS && !windows.contains_key(client) {
            windows.clear();
        }
        let (begun, count) = windows.entry(client.clone()).or_insert((now, 0));
        if now.since(*begun) >= WINDOW {
            (*begun, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= MOST
    }
}

impl Identity {
    /// Lets a request of a client go on, unless it is public and was heard too often.
    ///
    /// # Errors
    /// `temporarily_unavailable`.
    pub(crate) fn hear(&self, client: &ProvenClient) -> Result<(), OAuthError> {
        if !client.public || self.open_clients.allows(&client.row.id, self.now()) {
            return Ok(());
        }
        tracing::warn!(client = %client.row.id, "a public client sends too many requests");
        Err(OAuthError::too_many())
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, OpenBudget};
    use model::{ConsumerKey, Timestamp};

    #[test]
    fn a_client_is_heard_so_often_a_minute_and_others_do_not_suffer() {
        let budget = OpenBudget::default();
        let (one, other) = (ConsumerKey::new("one"), ConsumerKey::new("other"));
        let at = |seconds: i64| Timestamp::from_seconds(1000 + seconds);
        assert!((0..MOST).all(|_| budget.allows(&one, at(0))));
        assert!(!budget.allows(&one, at(59)));
        assert!(budget.allows(&other, at(59)));
        assert!(budget.allows(&one, at(60)));
        for n in 0..20_000 {
            budget.allows(&ConsumerKey::new(format!("client-{n}")), at(61));
        }
        assert!(budget.windows.lock().unwrap().len() <= super::MAX_CLIENTS);
    }
}
