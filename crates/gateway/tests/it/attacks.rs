//! Requests that nobody sends by accident.

use crate::platform::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// Raw bytes with the expected status; 0 is a connection closed without an answer.
fn cases(token: &str) -> Vec<(&'static str, Vec<u8>, u16)> {
    let auth = format!("Authorization: {token}\r\n");
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n").into_bytes();
    let with = |headers: &str| {
        format!("POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\n{auth}{headers}\r\n").into_bytes()
    };
    let raw = |text: &str| text.replace("AUTH\r\n", &auth).into_bytes();
    let mut latin = get("/pizza/1.0.0/menu");
    let at = find(&latin, b"menu").unwrap();
    latin[at] = 0xe9;
    vec![
        ("good", get("/pizza/1.0.0/menu"), 200),
        ("absolute form that agrees", get("http://localhost/pizza/1.0.0/menu"), 200),
        ("fragment is cut before anybody sees it", get("/pizza/1.0.0/menu#/../admin"), 200),
        ("HTTP/1.0 without Host", raw("GET /pizza/1.0.0/menu HTTP/1.0\r\nAUTH\r\n\r\n"), 200),
        ("no Host", raw("GET /pizza/1.0.0/menu HTTP/1.1\r\nAUTH\r\n\r\n"), 400),
        ("two Hosts", raw("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nAUTH\r\n\r\n"), 400),
        ("absolute form that disagrees", get("http://evil/pizza/1.0.0/menu"), 400),
        ("user info in the target", get("http://localhost@evil/pizza/1.0.0/menu"), 400),
        ("Host with a path", raw("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost/x\r\nAUTH\r\n\r\n"), 400),
        ("Host list", raw("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: a, b\r\nAUTH\r\n\r\n"), 400),
        ("encoded slash", get("/pizza/1.0.0/any%2Fmenu"), 400),
        ("encoded backslash", get("/pizza/1.0.0/any/%5c"), 400),
        ("backslash", get("/pizza/1.0.0\\menu"), 400),
        ("encoded nul", get("/pizza/1.0.0/any/%00"), 400),
        ("path parameter", get("/pizza/1.0.0/any;x/menu"), 400),
        ("encoded path parameter", get("/pizza/1.0.0/any%3bx"), 400),
        ("dot segments", get("/pizza/1.0.0/open/../menu"), 400),
        ("encoded dot segments", get("/pizza/1.0.0/open/%2e%2e/menu"), 400),
        ("half encoded dot segments", get("/pizza/1.0.0/open/.%2e/menu"), 400),
        ("empty segment", get("/pizza//1.0.0/menu"), 400),
        ("leading double slash", get("//pizza/1.0.0/menu"), 400),
        ("double encoding", get("/pizza/1.0.0/any/%252e%252e"), 400),
        ("overlong UTF-8", get("/pizza/1.0.0/any/%c0%af"), 400),
        ("raw UTF-8", get("/pizza/1.0.0/any/é"), 400),
        ("raw Latin-1", latin, 400),
        ("broken escape", get("/pizza/1.0.0/any/%zz"), 400),
        ("backslash in the query", get("/pizza/1.0.0/menu?a=\\"), 400),
        ("asterisk", raw("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nAUTH\r\n\r\n"), 400),
        ("connect", raw("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\nAUTH\r\n\r\n"), 405),
        ("gzip, chunked", with("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n"), 400),
        ("two codings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), 400),
        ("xchunked", with("Transfer-Encoding: xchunked\r\n\r\n0\r\n"), 400),
        (
            "chunked on HTTP/1.0",
            raw(
                "POST /pizza/1.0.0/order HTTP/1.0\r\nHost: localhost\r\nAUTH\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
            400,
        ),
        ("differing lengths", with("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), 400),
        ("signed length", with("Content-Length: +3\r\n\r\nabc"), 400),
        ("negative length", with("Content-Length: -1\r\n\r\n"), 400),
        ("huge length", with("Content-Length: 99999999999999999999999\r\n\r\n"), 400),
        ("space before colon", with("X-A : 1\r\n"), 400),
        ("obs-fold", with("X-A: 1\r\n folded\r\n"), 400),
        ("nul in a header", with("X-A: a\0b\r\n"), 400),
        ("bare CR in a header", with("X-A: a\rb\r\n"), 400),
        ("HTTP/2.0 in HTTP/1", raw("GET /pizza/1.0.0/menu HTTP/2.0\r\nHost: localhost\r\n\r\n"), 400),
        ("HTTP/1.2", raw("GET /pizza/1.0.0/menu HTTP/1.2\r\nHost: localhost\r\n\r\n"), 400),
        ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400),
        ("long target", get(&format!("/pizza/1.0.0/any/{}", "a".repeat(9000))), 414),
        ("large header", with(&format!("X-A: {}\r\n", "a".repeat(40_000))), 431),
        ("many headers", with(&"X-A: 1\r\n".repeat(200)), 431),
    ]
}

#[test]
fn hostile_requests_get_the_right_answer_and_never_reach_the_upstream() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    for (name, raw, expected) in cases(&bearer().1) {
        let before = upstream.heard();
        let reply = send(stack.address(), &raw);
        let status = reply.as_ref().map_or(0, |r| r.status);
        assert_eq!(status, expected, "{name}: {reply:?}");
        assert_eq!(upstream.heard() - before, usize::from(expected == 200), "{name}");
    }
}

#[test]
fn a_length_beside_chunked_smuggles_nothing() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let raw = format!(
        "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Length: 6\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\n\r\n",
        bearer().1
    );
    let mut stream = TcpStream::connect(stack.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(raw.as_bytes()).unwrap();
    let mut all = Vec::new();
    let _closed = stream.read_to_end(&mut all);
    let text = String::from_utf8_lossy(&all);
    assert_eq!(text.lines().filter(|line| line.starts_with("HTTP/1.1 ")).count(), 1, "{text}");
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    assert_eq!(upstream.heard(), 0);
}

#[test]
fn nobody_forges_what_only_the_gateway_says() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let value = bearer().1;
    for name in [
        "X-JWT-Assertion",
        "x-jwt-assertion",
        "X_JWT_Assertion",
        "X-JWT_ASSERTION",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-FORWARDED-HOST",
        "X-Forwarded_Proto",
        "Forwarded",
        "X-Real-IP",
        "X_Real_IP",
        "Internal_Key",
        "ApiKey",
        "Via",
        "Proxy-Authorization",
        "TE",
        "Upgrade",
    ] {
        let reply =
            stack.get("/pizza/1.0.0/menu", &[("Authorization", &value), (name, "forged"), ("Connection", name)]);
        assert_eq!(reply.status, 200, "{name}");
        assert!(!reply.text().contains("forged"), "{name}: {}", reply.text());
    }
    let forged_key = stack.get("/pizza/1.0.0/menu", &[("Authorization", &value), ("Internal-Key", "forged")]);
    assert_eq!(forged_key.status, 401, "a second credential is not ignored");
    // What the client names in Connection goes, what the gateway sets stays.
    let reply =
        stack.get("/pizza/1.0.0/menu", &[("Authorization", &value), ("Connection", "host, x-own"), ("X-Own", "1")]);
    assert!(reply.text().contains("host: 127.0.0.1") && !reply.text().contains("x-own"), "{}", reply.text());
}

#[test]
fn a_policy_header_survives_the_clients_connection_header() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            edit(s, |api| {
                api.policies.request.push(model::snapshot::PolicyUse {
                    name: "setHeader".into(),
                    version: "v1".into(),
                    parameters: serde_json::from_str(r#"{"headerName":"X-Checked","headerValue":"yes"}"#).unwrap(),
                });
            })
        },
    );
    let headers = [("Authorization", bearer().1), ("Connection", "X-Checked".into()), ("X-Checked", "no".into())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let text = stack.get("/pizza/1.0.0/menu", &headers).text();
    assert!(text.contains("x-checked: yes") && !text.contains("x-checked: no"), "{text}");
}

#[test]
fn slow_clients_are_cut() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |s| {
            s.caps.head_timeout = Duration::from_secs(1);
            s.caps.idle_timeout = Duration::from_secs(2);
            s.caps.stall_timeout = Duration::from_secs(1);
        },
        |_| (),
    );
    let auth = bearer().1;
    let head = format!(
        "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {auth}\r\nContent-Length: 9\r\n\r\nab"
    );
    let whole = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {auth}\r\n\r\n");
    let started = std::time::Instant::now();
    let mut clients: Vec<(&str, TcpStream)> = ["silent", "half a head", "half a body", "idle"]
        .into_iter()
        .map(|kind| {
            let mut stream = TcpStream::connect(stack.address()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let bytes: &[u8] = match kind {
                "silent" => b"",
                "half a head" => b"GET /pizza HTTP/1.1\r\nHost: lo",
                "half a body" => head.as_bytes(),
                _ => whole.as_bytes(),
            };
            stream.write_all(bytes).unwrap();
            (kind, stream)
        })
        .collect();
    for (kind, stream) in &mut clients {
        let mut answer = Vec::new();
        let _reset_or_end = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        assert!(started.elapsed() < Duration::from_secs(10), "{kind}: {:?}", started.elapsed());
        match *kind {
            "half a body" => assert!(text.starts_with("HTTP/1.1 400"), "{text}"),
            "idle" => assert!(text.starts_with("HTTP/1.1 200"), "{text}"),
            _ => assert!(text.is_empty(), "{kind}: {text}"),
        }
    }
    assert_eq!(upstream.heard(), 1, "half a body is no request");
}

#[test]
fn a_client_that_does_not_read_is_cut() {
    let body = Arc::new(vec![b'x'; 64 * 1024 * 1024]);
    let upstream = Upstream::start(move |_| Act::Answer(ok(&body, "")));
    let stack = Stack::with(upstream.address, |s| s.caps.stall_timeout = Duration::from_secs(1), |_| ());
    let mut stream = TcpStream::connect(stack.address()).unwrap();
    let request = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
    stream.write_all(request.as_bytes()).unwrap();
    let started = std::time::Instant::now();
    while stack.handle.metrics().connections_cut == 0 {
        assert!(started.elapsed() < Duration::from_secs(15), "never cut");
        std::thread::yield_now();
    }
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    assert_eq!(log.records()[0]["complete"], false);
}
