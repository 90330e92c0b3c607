//! Answers that are kept for a while (WSO2: response caching), for APIs that ask for it.
//!
//! What one caller was answered is never shown to another: the caller is a part of the key, besides revision, resource, address
//! and every field that the upstream gets. Bounded by bytes, in two generations: when the young one is full it becomes the
//! old one, and the former old one is dropped.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, COOKIE, ORIGIN, PRAGMA,
    RANGE, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use model::Timestamp;
use policy::Target;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, PoisonError};

use crate::authenticate::Caller;
use crate::compile::{Api, CompiledResource};
use crate::token_cache::{Digest, DigestHasher};

/// Longest body that is kept, bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// Bytes of one generation, bodies and an allowance for heads.
const GENERATION: usize = 16 * 1024 * 1024;
const HEAD: usize = 1024;
/// What an answer may be negotiated by and still be kept.
const NEGOTIATED: [HeaderName; 4] = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ORIGIN];

/// An answer that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    made: Timestamp,
    expires: Timestamp,
}

impl Kept {
    /// `Age` (RFC 9111 section 5.1).
    pub(crate) fn age(&self, now: Timestamp) -> HeaderValue {
        HeaderValue::from(now.seconds().saturating_sub(self.made.seconds()).max(0))
    }
}

/// The key of a call without a body whose answer may be kept; `None` when it may not.
pub(crate) fn key(
    api: &Api,
    resource: &CompiledResource,
    (caller, secure): (&Caller, bool),
    (method, target, headers): (&Method, &Target, &HeaderMap),
) -> Option<Digest> {
    api.deployed.cache_seconds?;
    let fresh =
        |name: &HeaderName| headers.get_all(name).iter().any(|value| mentions(value, &["no-cache", "no-store"]));
    if *method != Method::GET || headers.contains_key(RANGE) || fresh(&CACHE_CONTROL) || fresh(&PRAGMA) {
        return None;
    }
    // Credentials that the upstream judges by itself.
    if headers.contains_key(COOKIE) || headers.contains_key(AUTHORIZATION) {
        return None;
    }
    let mut context = Context::new(&SHA256);
    // Lengths stand before the parts, so that no two lists read the same.
    let mut add = |part: &[u8]| {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    };
    add(api.deployed.revision.to_string().as_bytes());
    // Resources of one address may differ in their policies.
    add(&api.resources.iter().position(|own| std::ptr::eq(own, resource))?.to_le_bytes());
    add(&[u8::from(secure)]);
    match caller {
        Caller::Anonymous => add(b"nobody"),
        Caller::User(user) => {
            add(b"user");
            add(user.subject.as_bytes());
        }
        Caller::Key { application, key_type, .. } => {
            add(b"key");
            add(application.to_string().as_bytes());
            add(&[*key_type as u8]);
        }
        Caller::Token(principal) => {
            add(b"token");
            let claims = &principal.claims;
            for part in [claims.issuer(), &*principal.consumer_key, claims.subject().unwrap_or_default()] {
                add(part.as_bytes());
            }
            add(claims.all.get("scope").map(ToString::to_string).unwrap_or_default().as_bytes());
        }
        Caller::Test { .. } | Caller::Certificate(_) => return None,
    }
    add(target.path.as_bytes());
    add(target.query.as_deref().unwrap_or("\0").as_bytes());
    let mut names: Vec<&HeaderName> = headers.keys().collect();
    names.sort_unstable_by_key(|name| name.as_str());
    for name in names {
        add(name.as_str().as_bytes());
        // No value holds this byte.
        add(&headers.get_all(name).iter().fold(Vec::new(), |all, value| [&all, &b"\0"[..], value.as_bytes()].concat()));
    }
    let mut key = Digest::default();
    key.copy_from_slice(context.finish().as_ref());
    Some(key)
}

fn mentions(value: &HeaderValue, words: &[&str]) -> bool {
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    text.split(',').any(|part| words.contains(&part.split('=').next().unwrap_or_default().trim()))
}

/// Whether an answer says that it is for one caller, or for once.
pub(crate) fn is_private(headers: &HeaderMap) -> bool {
    let forbidden = |value: &HeaderValue| mentions(value, &["no-store", "no-cache", "private"]);
    headers.contains_key(SET_COOKIE) || headers.get_all(CACHE_CONTROL).iter().any(forbidden)
}

/// Whether an upstream's answer may be kept. Its body has to be known to be short.
pub(crate) fn may_keep(status: StatusCode, headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let named = |value: &HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        text.split(',').all(|name| NEGOTIATED.iter().any(|known| known == name.trim()))
    };
    status == StatusCode::OK
        && length.is_some_and(|length| length <= MAX_BODY)
        && !is_private(headers)
        && headers.get_all(VARY).iter().all(named)
}

type Map = HashMap<Digest, Arc<Kept>, BuildHasherDefault<DigestHasher>>;

#[derive(Debug, Default)]
struct Generations {
    young: Map,
    old: Map,
    bytes: usize,
}

/// The kept answers of all workers. Locked for a look-up, on calls of APIs that use it.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Generations>);

impl Answers {
    /// An answer that may still be given.
    pub(crate) fn find(&self, key: &Digest, now: Timestamp) -> Option<Arc<Kept>> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = generations.young.get(key).or_else(|| generations.old.get(key))?;
        (now < found.expires).then(|| Arc::clone(found))
    }

    /// Keeps an answer for some seconds.
    pub(crate) fn keep(&self, key: Digest, headers: HeaderMap, body: Bytes, (now, seconds): (Timestamp, u32)) {
        let size = body.len() + HEAD;
        if body.len() > MAX_BODY {
            return;
        }
        let expires = Timestamp::from_seconds(now.seconds().saturating_add(i64::from(seconds)));
        let kept = Arc::new(Kept { headers, body, made: now, expires });
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.bytes + size > GENERATION {
            generations.old = std::mem::take(&mut generations.young);
            generations.bytes = 0;
        }
        generations.bytes += size;
        generations.young.insert(key, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, GENERATION, MAX_BODY, may_keep};
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use model::Timestamp;

    #[test]
    fn only_what_may_be_shared_in_time_is_kept() {
        let answer = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            map.insert("content-length", "3".parse().unwrap());
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            may_keep(StatusCode::OK, &map)
        };
        assert!(answer(&[]) && answer(&[("vary", "Accept, Origin")]) && answer(&[("cache-control", "max-age=5")]));
        for refused in [
            [("set-cookie", "a=b")],
            [("cache-control", "max-age=0, No-Store")],
            [("cache-control", "private=\"x\"")],
            [("cache-control", "no-cache")],
            [("vary", "*")],
            [("vary", "accept, cookie")],
            [("content-length", "65537")],
            [("content-length", "x")],
        ] {
            assert!(!answer(&refused), "{refused:?}");
        }
        assert!(!may_keep(StatusCode::OK, &HeaderMap::new()), "a body of unknown length");
        assert!(!may_keep(StatusCode::NOT_FOUND, &HeaderMap::new()));
    }

    #[test]
    fn memory_is_bounded() {
        let answers = Answers::default();
        let now = Timestamp::from_seconds(1000);
        let body = Bytes::from(vec![0; MAX_BODY]);
        let count = 3 * GENERATION / MAX_BODY;
        let key = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_le_bytes());
            key
        };
        for n in 0..count {
            answers.keep(key(n), HeaderMap::new(), body.clone(), (now, 60));
        }
        let kept = (0..count).filter(|n| answers.find(&key(*n), now).is_some()).count();
        assert!(kept > 0 && kept <= 2 * GENERATION / MAX_BODY, "{kept}");
        assert!(answers.find(&key(count - 1), Timestamp::from_seconds(1060)).is_none(), "after its time");
    }
}
