//! Many calls on one connection: what was learnt from one must not outlive its reasons.

use crate::platform::*;
use model::{ConsumerKey, Timestamp};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

struct Client(TcpStream);

impl Client {
    fn new(stack: &Stack) -> Self {
        let stream = TcpStream::connect(stack.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(stream)
    }

    fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut raw = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            raw.push_str(&format!("{name}: {value}\r\n"));
        }
        raw.push_str("\r\n");
        self.0.write_all(raw.as_bytes()).unwrap();
        read_reply(&mut self.0).expect("an answer")
    }

    fn menu(&mut self, token: &str) -> u16 {
        self.get("/pizza/1.0.0/menu", &[("Authorization", &format!("Bearer {token}"))]).status
    }
}

#[test]
fn a_token_on_a_kept_connection_expires_and_is_revoked() {
    let upstream = Upstream::echo();
    let mut stack = Stack::with(upstream.address, |s| s.workers = 1, |_| ());
    let mut client = Client::new(&stack);
    let token = token(json!({"exp": NOW + 100}));
    for _ in 0..3 {
        assert_eq!(client.menu(&token), 200);
    }
    assert_eq!(stack.handle.metrics().token_cache_hits, 2, "also when it was not looked up");
    stack.publish(|s| {
        s.revoked_tokens.insert("t-1".into(), Timestamp::from_seconds(NOW + 100));
    });
    assert_eq!(client.menu(&token), 401, "revoked");
    stack.publish(|s| s.revoked_tokens.clear());
    assert_eq!((client.menu(&token), client.menu(&token)), (200, 200));
    stack.publish(|s| {
        s.keys.remove(&ConsumerKey::new("client-1"));
    });
    assert_eq!(client.menu(&token), 403, "its application is gone");
    let keys = snapshot("http://127.0.0.1:1").keys;
    stack.publish(|s| s.keys = keys);
    assert_eq!((client.menu(&token), client.menu(&token)), (200, 200));
    stack.clock.advance(100);
    assert_eq!(client.menu(&token), 401, "expired");
}

#[test]
fn a_token_opens_no_other_api_and_no_other_resource() {
    let upstream = Upstream::echo();
    let target = format!("http://{}", upstream.address);
    let stack = Stack::with(
        upstream.address,
        |s| s.workers = 1,
        |s| {
            let mut strict = api(2, "/strict", &target);
            strict.security.audiences = audiences(&["someone-else"]);
            strict.security.subscription_required = false;
            s.apis.push(Arc::new(strict));
            s.apis.push(Arc::new(api(3, "/unsubscribed", &target)));
        },
    );
    let mut client = Client::new(&stack);
    let bearer = bearer().1;
    for _ in 0..3 {
        for (path, status) in [
            ("/pizza/1.0.0/menu", 200),
            ("/strict/1.0.0/menu", 401),
            ("/unsubscribed/1.0.0/menu", 403),
            ("/pizza/1.0.0/scoped", 403),
            ("/pizza/1.0.0/open", 200),
        ] {
            assert_eq!(client.get(path, &[("Authorization", &bearer)]).status, status, "{path}");
        }
    }
}

#[test]
fn a_second_credential_on_a_kept_connection_counts() {
    let upstream = Upstream::echo();
    let stack = Stack::with(upstream.address, |s| s.workers = 1, |_| ());
    let mut client = Client::new(&stack);
    let (alice, expired) = (token(json!({})), token(json!({"exp": NOW - 1})));
    let stranger = token(json!({"azp": "client-2"}));
    assert_eq!((client.menu(&alice), client.menu(&alice)), (200, 200));
    for _ in 0..2 {
        let forged = format!("{}{}", &alice[..alice.len() - 4], "AAAA");
        for (token, status) in [(&stranger, 403), (&expired, 401), (&forged, 401), (&alice, 200)] {
            assert_eq!(client.menu(token), status);
        }
    }
    let mut client = Client::new(&stack);
    assert_eq!((client.menu(&alice), client.menu(&alice)), (200, 200));
    let bearer = format!("Bearer {alice}");
    let path = "/pizza/1.0.0/menu";
    let own = ("Authorization", bearer.as_str());
    assert_eq!(client.get(path, &[own, own]).status, 401, "two tokens");
    assert_eq!(client.get(path, &[own, ("Internal-Key", "x")]).status, 401, "a test key goes first");
    assert_eq!(client.get(path, &[]).status, 401, "none");
    assert_eq!(client.get(path, &[own]).status, 200);
}
