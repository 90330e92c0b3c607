//! Parts of the request path whose cost is counted in instructions, see `testkit::counted`. Whole calls are counted in
//! `tests/it/counted.rs`.

use aws_lc_rs::digest::{SHA256, digest};
use http::Method;
use model::Timestamp;
use model::snapshot::{Quota, QuotaUnit};
use std::hint::black_box;
use std::sync::Arc;
use testkit::counted::times;

use crate::limit::{Level, Limit, admit};
use crate::route::{Contexts, Lookup, Resources};
use crate::token_cache::{TokenCache, for_tests::principal};

/// Resources as a large public API has them (GitHub's has 609 paths).
const ROUTES: usize = 609;
const CONTEXTS: usize = 1_000;
/// Bytes of an access token with a few claims.
const TOKEN: usize = 900;

#[test]
fn router() {
    let mut contexts = Contexts::default();
    for n in 0..CONTEXTS {
        assert!(contexts.insert(&format!("/family{}/api{n}/1.0.{n}", n / 30), n));
    }
    let mut resources = Resources::default();
    for n in 0..ROUTES {
        let template = format!("/family{}/{{owner}}/things{n}/{{id}}/parts", n / 30);
        resources.insert(&Method::GET, &template, n).unwrap();
    }
    let path = "/family10/api300/1.0.300/family10/somebody/things300/42/parts";
    for _ in 0..times() {
        let (api, tail) = contexts.find(black_box(path)).unwrap();
        assert_eq!((api, resources.find(black_box(&Method::GET), &path[tail..])), (300, Lookup::Found(300)));
    }
}

#[test]
fn limiter() {
    let limit = |level, window_seconds| {
        let quota = Quota { amount: 1 << 40, unit: QuotaUnit::Requests, window_seconds };
        Limit { level, quota, window: Arc::default() }
    };
    let limits = [
        limit(Level::Api, 60),
        limit(Level::Resource, 1),
        limit(Level::Subscription, 3600),
        limit(Level::Application, 86_400),
    ];
    let now = Timestamp::from_seconds(1_795_219_200);
    for _ in 0..times() {
        let charges = limits.each_ref().map(|limit| Some(limit.charge()));
        assert!(admit(black_box(&charges), black_box(now), 0).is_ok());
    }
}

#[test]
fn token_cache() {
    let mut cache = TokenCache::new(10_000);
    let token = |n: usize| format!("{n:0TOKEN$}");
    let key = |token: &str| <[u8; 32]>::try_from(digest(&SHA256, token.as_bytes()).as_ref()).unwrap();
    for n in 0..1_000 {
        cache.insert(key(&token(n)), principal(1));
    }
    let sent = token(500);
    for _ in 0..times() {
        assert!(cache.get(&key(black_box(&sent)), 1).is_some());
    }
}
