//! Kept answers: who gets them, and who must not.

use crate::platform::*;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

fn start(headers: &'static str) -> (Upstream, Stack) {
    let count = AtomicUsize::new(0);
    let upstream = Upstream::start(move |_| {
        Act::Answer(ok(format!("answer {}", count.fetch_add(1, Ordering::SeqCst)).as_bytes(), headers))
    });
    let stack = Stack::with(upstream.address, |_| (), |snapshot| edit(snapshot, |api| api.cache_seconds = Some(30)));
    (upstream, stack)
}

#[test]
fn an_answer_is_given_again_to_the_same_caller_only() {
    let (upstream, stack) = start("X-Own: 1\r\n");
    let value = |user: &str| format!("Bearer {}", token(json!({"sub": user})));
    let get = |path: &str, user: &str, extra: &[(&str, &str)]| {
        let value = value(user);
        stack.get(path, &[&[("Authorization", value.as_str())], extra].concat())
    };
    let menu = "/pizza/1.0.0/menu?a=1";
    let first = get(menu, "alice", &[]);
    assert_eq!((first.status, first.text().as_str(), first.header("age")), (200, "answer 0", None));
    stack.clock.advance(7);
    let again = get(menu, "alice", &[]);
    assert_eq!((again.text().as_str(), again.header("age"), again.header("x-own")), ("answer 0", Some("7"), Some("1")));
    assert_eq!(upstream.heard(), 1);
    for (path, user, extra) in [
        (menu, "bob", &[][..]),
        ("/pizza/1.0.0/menu?a=2", "alice", &[]),
        ("/pizza/1.0.0/menu", "alice", &[]),
        (menu, "alice", &[("Accept", "text/plain")]),
        (menu, "alice", &[("Origin", "https://a.example")]),
        (menu, "alice", &[("Cache-Control", "no-cache")]),
        (menu, "alice", &[("Range", "bytes=0-1")]),
        (menu, "alice", &[("X-Tenant", "two")]),
        (menu, "alice", &[("X-Tenant", "three")]),
        (menu, "alice", &[("X-Tenant", "three"), ("X-Tenant", "two")]),
        (menu, "alice", &[("Content-Length", "0"), ("Cookie", "session=1")]),
        (menu, "alice", &[("Cookie", "session=1")]),
    ] {
        let before = upstream.heard();
        assert_eq!(get(path, user, extra).status, 200);
        assert_eq!(upstream.heard(), before + 1, "{path} {user} {extra:?}");
    }
    let (name, alice) = ("Authorization", value("alice"));
    let before = upstream.heard();
    for _ in 0..2 {
        stack.call("POST", "/pizza/1.0.0/order", &[(name, &alice)], b"x");
    }
    assert_eq!(upstream.heard(), before + 2, "only GET is kept");
    let before = upstream.heard();
    for body in [b"a", b"b", b"b"] {
        assert_ne!(stack.call("GET", menu, &[(name, &alice)], body).text(), "answer 0");
    }
    assert_eq!(upstream.heard(), before + 3, "a body may ask for anything");
    assert_eq!(stack.get(menu, &[]).status, 401, "a kept answer opens nothing");
    stack.clock.advance(24);
    assert_ne!(get(menu, "alice", &[]).text(), "answer 0", "its time is over");
}

#[test]
fn what_upstreams_forbid_is_not_kept() {
    for headers in ["Set-Cookie: a=b\r\n", "Cache-Control: no-store\r\n", "Vary: Cookie\r\n"] {
        let (upstream, stack) = start(headers);
        let (name, value) = bearer();
        for n in 1..3 {
            assert_eq!(stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status, 200);
            assert_eq!(upstream.heard(), n, "{headers}");
        }
    }
}
