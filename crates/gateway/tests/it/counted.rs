//! One whole call, for the count of instructions (see `testkit::counted`): TLS, a token that is known, subscription, scope and
//! limit, an upstream that answers with 1 KiB, counters and access log. One client on one connection, so that nothing but the
//! work itself is counted.

use crate::platform::*;
use crate::tls::{client, pair};
use gateway::Listener;
use model::snapshot::{ApiChange, Delta, LimitLevel};
use rustls::pki_types::ServerName;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

/// Fields as nginx sends them.
const ANSWER: &str = "Server: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 05:00:00 GMT\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\n";

/// Calls a path so often, and says how many were answered well.
fn call(path: &str, token: Option<&str>, times: usize) -> usize {
    let pair = pair();
    let upstream = Upstream::start(|_| Act::Answer(ok(&[b'x'; 1024], ANSWER)));
    let address = "127.0.0.1:0".parse().unwrap();
    let server = Arc::clone(&pair.server);
    let stack = Stack::with(
        upstream.address,
        |settings| {
            settings.listeners = vec![Listener { address, tls: Some(server) }];
            settings.workers = 1;
            settings.api_series = 100;
        },
        |snapshot| {
            snapshot.limits.push(limit(LimitLevel::Subscription, "Much", 1_000_000_000));
            snapshot.subscriptions[0].plan = "Much".into();
        },
    );
    let session =
        rustls::ClientConnection::new(client(&pair.root, &[b"http/1.1"]), ServerName::try_from("localhost").unwrap());
    let mut stream = rustls::StreamOwned::new(session.unwrap(), TcpStream::connect(stack.address()).unwrap());
    let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:8243\r\n{credential}\r\n");
    let mut answered = 0;
    let (mut buffer, mut length) = (vec![0; 16 * 1024], None);
    for _ in 0..times {
        stream.write_all(request.as_bytes()).unwrap();
        let mut have = 0;
        // All answers have the same length: reading one with care is enough.
        while length.is_none_or(|length| have < length) {
            have += stream.read(&mut buffer[have..]).unwrap();
            if length.is_none() {
                let end = find(&buffer[..have], b"\r\n\r\n");
                length = end.map(|end| end + 4 + 1024);
            }
        }
        answered += usize::from(buffer.starts_with(b"HTTP/1.1 200 ") && Some(have) == length);
    }
    drop(stream);
    stack.handle.stop();
    answered
}

#[test]
fn one_secured_call() {
    let times = testkit::counted::times();
    let token = token(json!({"scope": "default admin"}));
    assert_eq!(call("/pizza/1.0.0/scoped", Some(&token), times), times);
}

#[test]
fn one_plain_call() {
    let times = testkit::counted::times();
    assert_eq!(call("/pizza/1.0.0/open", None, times), times);
}

#[test]
fn one_change() {
    let upstream = Upstream::echo();
    let target = format!("http://{}/base", upstream.address);
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            let others = (1_000..1_200).map(|n| Arc::new(api(n, &format!("/api{n}"), &target)));
            snapshot.apis.extend(others);
        },
    );
    let changed = Arc::new(api(1_100, "/api1100", &target));
    for _ in 0..testkit::counted::times() {
        let from = stack.handle.snapshot_version();
        let change = ApiChange { api: changed.id, deployed: vec![Arc::clone(&changed)], subscriptions: Vec::new() };
        stack.handle.change(&Delta { from, to: from + 1, apis: vec![change] }).unwrap();
    }
}
