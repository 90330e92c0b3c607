//! Public keys that clients publish at an address of theirs (RFC 7591 section 2, `jwks_uri`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jose::VerifyingKey;
use model::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::metadata::verifying_key;
use crate::Identity;

/// How long keys are used before they are fetched again.
const FRESH: Duration = Duration::from_mins(10);
/// How long keys are still used while their address does not answer. Longer, and a key that its owner withdrew would go on.
const STALE: Duration = Duration::from_hours(1);
/// An address is asked at most this often, whoever asks with whatever key id: a stranger who knows the name of a client
/// must not make this server call somebody again and again.
const PAUSE: Duration = Duration::from_secs(30);
/// Most addresses whose keys are remembered; the one fetched longest ago goes first.
const MAX_ADDRESSES: usize = 1000;
/// Most keys of one address, and most bytes of what it answers.
const MAX_KEYS: usize = 20;
const MAX_BYTES: usize = 64 * 1024;
/// Fetches at the same time. Who comes while all are taken is refused rather than queued: fetches wait for strangers.
const PLACES: usize = 4;

/// Keys of clients by address.
pub(crate) struct PublishedKeys {
    known: Mutex<BTreeMap<String, Known>>,
    places: Semaphore,
}

struct Known {
    keys: Vec<Value>,
    /// When the keys were fetched; `None` before the first success.
    fetched: Option<Timestamp>,
    /// When the address was last asked.
    asked: Timestamp,
}

impl Default for PublishedKeys {
    fn default() -> Self {
        Self { known: Mutex::default(), places: Semaphore::new(PLACES) }
    }
}

/// What to do about an address now.
#[derive(Debug, PartialEq)]
enum Next {
    Use(Vec<Value>),
    Fetch,
}

impl PublishedKeys {
    /// Decides whether to fetch, and takes the turn if so.
    fn next(&self, uri: &str, key_id: Option<&str>, now: Timestamp) -> Next {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get_mut(uri) {
            let age = entry.fetched.map(|at| now.since(at));
            let has = |wanted: &str| entry.keys.iter().any(|k| k.get("kid").and_then(Value::as_str) == Some(wanted));
            let good = age.is_some_and(|age| age < FRESH) && key_id.is_none_or(has);
            if good || now.since(entry.asked) < PAUSE {
                let usable = age.is_some_and(|age| age < STALE);
                return Next::Use(if usable { entry.keys.clone() } else { Vec::new() });
            }
            entry.asked = now;
            return Next::Fetch;
        }
        if known.len() >= MAX_ADDRESSES {
            let oldest = known.iter().min_by_key(|(_, entry)| entry.asked).map(|(uri, _)| uri.clone());
            oldest.map(|uri| known.remove(&uri));
        }
        known.insert(uri.to_owned(), Known { keys: Vec::new(), fetched: None, asked: now });
        Next::Fetch
    }

    /// Takes up what was fetched; returns the keys that count, older ones if nothing was.
    fn store(&self, uri: &str, fetched: Option<Vec<Value>>, now: Timestamp) -> Vec<Value> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = known.get_mut(uri) else { return fetched.unwrap_or_default() };
        if let Some(keys) = fetched {
            entry.keys = keys;
            entry.fetched = Some(now);
        }
        let usable = entry.fetched.is_some_and(|at| now.since(at) < STALE);
        if usable { entry.keys.clone() } else { Vec::new() }
    }
}

impl Identity {
    /// The keys that a client or an identity provider publishes; none when they cannot be had.
    pub(crate) async fn published_keys(&self, uri: &str, key_id: Option<&str>) -> Vec<VerifyingKey> {
        let keys = match self.published_keys.next(uri, key_id, self.now()) {
            Next::Use(keys) => keys,
            Next::Fetch => {
                let fetched = self.fetch_keys(uri).await;
                self.published_keys.store(uri, fetched, self.now())
            }
        };
        // A set may hold keys for other purposes and algorithms: they are not ours to judge.
        keys.iter().filter_map(|key| verifying_key(key).ok()).collect()
    }

    async fn fetch_keys(&self, uri: &str) -> Option<Vec<Value>> {
        let egress = self.egress.as_ref()?;
        let Ok(_place) = self.published_keys.places.try_acquire() else {
            tracing::warn!(%uri, "the keys of a client were not fetched: too many fetches are under way");
            return None;
        };
        let found = match egress.get(uri).await {
            Ok(answer) if answer.status.is_success() => key_set(&answer.body),
            Ok(answer) => {
                tracing::info!(%uri, status = answer.status.as_u16(), "the address of a client's keys did not give them");
                return None;
            }
            Err(error) => {
                tracing::info!(%uri, reason = %error, "the keys of a client could not be fetched");
                return None;
            }
        };
        if found.is_none() {
            tracing::info!(%uri, "what the address of a client's keys gave is no set of at most {MAX_KEYS} keys");
        }
        found
    }
}

/// The keys for signatures of a set (RFC 7517 section 5).
fn key_set(body: &[u8]) -> Option<Vec<Value>> {
    if body.len() > MAX_BYTES {
        return None;
    }
    let set: Value = serde_json::from_slice(body).ok()?;
    let keys = set.get("keys")?.as_array()?;
    let signs = |key: &&Value| key.get("use").and_then(Value::as_str).is_none_or(|purpose| purpose == "sig");
    (keys.len() <= MAX_KEYS).then(|| keys.iter().filter(signs).cloned().collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Timestamp;
    use serde_json::json;

    use super::{MAX_ADDRESSES, Next, PAUSE, PublishedKeys, key_set};

    const URI: &str = "https://client.example/keys";

    #[test]
    fn keys_are_fetched_rarely_and_end_when_their_address_is_gone() {
        let known = PublishedKeys::default();
        let start = Timestamp::from_seconds(1_000_000);
        let at = |seconds: u64| start.plus(Duration::from_secs(seconds));
        let keys = vec![json!({"kid": "a"})];
        assert_eq!(known.next(URI, Some("a"), at(0)), Next::Fetch);
        assert_eq!(known.next(URI, Some("a"), at(1)), Next::Use(vec![]), "a second fetch while the first is under way");
        assert_eq!(known.store(URI, Some(keys.clone()), at(2)), keys);
        assert_eq!(known.next(URI, Some("a"), at(500)), Next::Use(keys.clone()));
        assert_eq!(known.next(URI, None, at(500)), Next::Use(keys.clone()));
        assert_eq!(known.next(URI, Some("b"), at(500)), Next::Fetch, "the client has a new key");
        assert_eq!(known.store(URI, None, at(501)), keys, "older keys count while the address is silent");
        assert_eq!(known.next(URI, Some("c"), at(501)), Next::Use(keys.clone()), "asked again at once");
        assert_eq!(known.next(URI, Some("a"), at(700)), Next::Fetch, "keys that are not fresh");
        assert_eq!(known.store(URI, None, at(700)), keys);
        assert_eq!(known.next(URI, Some("a"), at(3700)), Next::Fetch);
        assert_eq!(known.store(URI, None, at(3700)), Vec::<serde_json::Value>::new(), "keys of an hour ago");
        assert_eq!(known.next(URI, Some("a"), at(3701)), Next::Use(vec![]));
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let known = PublishedKeys::default();
        for n in 0..(MAX_ADDRESSES + 5) {
            let at = Timestamp::from_seconds(1_000_000).plus(PAUSE * u32::try_from(n).unwrap());
            known.next(&format!("{URI}/{n}"), None, at);
        }
        let left = known.known.lock().unwrap();
        assert_eq!(left.len(), MAX_ADDRESSES);
        assert!(!left.contains_key(&format!("{URI}/0")) && left.contains_key(&format!("{URI}/1004")));
    }

    #[test]
    fn only_a_set_of_signing_keys_counts() {
        for wrong in ["", "[]", "{}", "{\"keys\": 1}", "<html>"] {
            assert!(key_set(wrong.as_bytes()).is_none(), "{wrong}");
        }
        let many = json!({"keys": vec![json!({"kty": "RSA"}); 21]});
        assert!(key_set(many.to_string().as_bytes()).is_none());
        let set = json!({"keys": [{"use": "enc"}, {"use": "sig"}, {"kty": "EC"}]});
        assert_eq!(key_set(set.to_string().as_bytes()).unwrap().len(), 2);
    }
}
