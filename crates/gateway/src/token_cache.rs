//! Verified tokens that one worker remembers, keyed by the SHA-256 of tenant and token.
//!
//! Two generations: when the young one is full it becomes the old one and the former old one is dropped. So the cache
//! is bounded, an insertion never scans, and a token in use survives.

use jose::Claims;
use model::ApplicationId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::assertion::Assertions;
use crate::binding::Binding;
use crate::limit::Window;

/// What a verified token stands for. Nothing in it depends on the snapshot but the issuers' keys.
#[derive(Debug)]
pub(crate) struct Principal {
    /// Which issuers' keys it was verified with; another number means it must be verified again.
    pub(crate) issuers_epoch: u64,
    /// Index of the issuer in that set.
    pub(crate) issuer: usize,
    /// Whether the issuer said what the token is worth, instead of a key: then it is asked again and again.
    pub(crate) introspected: bool,
    /// Its claims.
    pub(crate) claims: Claims,
    /// Tokens for upstreams that were made for it.
    pub(crate) assertions: Assertions,
    /// Which key its user must hold.
    pub(crate) binding: Binding,
    /// Client id.
    pub(crate) consumer_key: Box<str>,
    /// Domain of the tenant that the client belongs to; `None` is the issuer's own tenant.
    pub(crate) signing_tenant: Option<Box<str>>,
    /// Domain of the user whose rights the token carries; `None` is the signing tenant.
    pub(crate) user_tenant: Option<Box<str>>,
    /// The application limit's counter of this user, with the application it belongs to.
    pub(crate) user_window: Option<(ApplicationId, Arc<Window>)>,
}

/// SHA-256 of what something is remembered by.
pub(crate) type Digest = [u8; 32];

/// A digest is uniform already: its first bytes are a hash.
#[derive(Default)]
pub(crate) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

type Map = HashMap<Digest, Arc<Principal>, BuildHasherDefault<DigestHasher>>;

/// The cache of one worker.
#[derive(Debug)]
pub(crate) struct TokenCache {
    young: Map,
    old: Map,
    half: usize,
}

impl TokenCache {
    /// For at most this many tokens.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { young: Map::default(), old: Map::default(), half: (capacity / 2).max(1) }
    }

    /// The principal of a token, if it was verified by the current keys.
    pub(crate) fn get(&mut self, digest: &Digest, issuers_epoch: u64) -> Option<Arc<Principal>> {
        if let Some(found) = self.young.get(digest) {
            return (found.issuers_epoch == issuers_epoch).then(|| Arc::clone(found));
        }
        let found = self.old.remove(digest).filter(|p| p.issuers_epoch == issuers_epoch)?;
        self.insert(*digest, Arc::clone(&found));
        Some(found)
    }

    /// Remembers a verified token.
    pub(crate) fn insert(&mut self, digest: Digest, principal: Arc<Principal>) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, principal);
    }

    /// How many tokens are remembered.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
pub(crate) mod for_tests {
    use super::{Assertions, Principal};
    use jose::Claims;
    use std::sync::Arc;

    /// A principal that nobody asks anything.
    pub(crate) fn principal(issuers_epoch: u64) -> Arc<Principal> {
        let claims = Claims { expires: 1, issued_at: None, all: serde_json::Map::new() };
        Arc::new(Principal {
            issuers_epoch,
            issuer: 0,
            introspected: false,
            assertions: Assertions::default(),
            binding: super::Binding::of(&claims),
            claims,
            consumer_key: "k".into(),
            signing_tenant: None,
            user_tenant: None,
            user_window: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TokenCache;
    use super::for_tests::principal;

    fn digest(n: u32) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&n.to_le_bytes());
        digest
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let mut cache = TokenCache::new(100);
        cache.insert(digest(0), principal(1));
        for n in 1..10_000 {
            cache.insert(digest(n), principal(1));
            assert!(cache.get(&digest(0), 1).is_some(), "token in use lost at {n}");
            assert!(cache.len() <= 100, "{} tokens", cache.len());
        }
        assert!(cache.get(&digest(1), 1).is_none());
    }

    #[test]
    fn other_keys_make_it_forget() {
        let mut cache = TokenCache::new(100);
        cache.insert(digest(0), principal(1));
        assert!(cache.get(&digest(0), 2).is_none());
    }
}
