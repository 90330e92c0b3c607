//! Server-sent events: streamed as they come, charged like calls, ended with what allowed them.

use crate::platform::*;
use model::Timestamp;
use model::snapshot::{ApiKind, LimitLevel, Snapshot};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An upstream that sends what it is told to, to every stream that is open.
fn upstream() -> (SocketAddr, Sender<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let streams = Arc::new(Mutex::new(Vec::<TcpStream>::new()));
    let open = Arc::clone(&streams);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if begin(&mut stream) {
                open.lock().unwrap().push(stream);
            }
        }
    });
    let (sender, receiver) = channel::<&'static str>();
    std::thread::spawn(move || {
        for text in receiver {
            streams.lock().unwrap().retain_mut(|stream| stream.write_all(text.as_bytes()).is_ok());
        }
    });
    (address, sender)
}

/// Reads a request and begins an answer.
fn begin(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while find(&bytes, b"\r\n\r\n").is_none() {
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&buffer[..n]),
            _ => break,
        }
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";
    stream.write_all(head.as_bytes()).is_ok()
}

/// An upstream that never pauses. What it sends are comments: no events, so nothing is charged.
fn flood() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let more = ": and so on\n".repeat(1000);
                if begin(&mut stream) {
                    while stream.write_all(more.as_bytes()).is_ok() {}
                }
            });
        }
    });
    address
}

fn feed(snapshot: &mut Snapshot, address: SocketAddr) {
    edit(snapshot, |api| {
        *api = crate::platform::api(1, "/feed", &format!("http://{address}"));
        api.kind = ApiKind::Sse;
        api.resources = vec![resource("SUBSCRIBE", "/news")];
    });
}

/// An open stream of events.
struct Client {
    stream: TcpStream,
    text: String,
}

impl Client {
    fn open(stack: &Stack) -> Self {
        let mut stream = TcpStream::connect(stack.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (_, token) = bearer();
        let raw = format!("GET /feed/1.0.0/news HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n");
        stream.write_all(raw.as_bytes()).unwrap();
        let mut client = Self { stream, text: String::new() };
        assert!(client.wait_for("\r\n\r\n"), "{}", client.text);
        assert!(client.text.starts_with("HTTP/1.1 200"), "{}", client.text);
        client
    }

    /// Reads until the text came; false when the stream ended before.
    fn wait_for(&mut self, text: &str) -> bool {
        let mut buffer = [0; 4096];
        while !self.text.contains(text) {
            match self.stream.read(&mut buffer) {
                Ok(n) if n > 0 => self.text.push_str(std::str::from_utf8(&buffer[..n]).unwrap()),
                Ok(_) => return false,
                Err(error) => panic!("neither {text:?} nor the end: {error}; got {}", self.text),
            }
        }
        true
    }

    /// Whether the stream ends within some seconds, whatever comes before.
    fn ends_within(&mut self, seconds: u64) -> bool {
        let start = Instant::now();
        let mut tail = Vec::new();
        let mut buffer = [0; 65_536];
        while start.elapsed() < Duration::from_secs(seconds) {
            let n = self.stream.read(&mut buffer).unwrap();
            if n == 0 {
                return false;
            }
            #[expect(clippy::disallowed_methods, reason = "a client that is slower than the upstream, in real time")]
            std::thread::sleep(Duration::from_millis(10));
            tail.extend_from_slice(&buffer[..n]);
            if tail.ends_with(b"\r\n0\r\n\r\n") {
                return true;
            }
            tail.drain(..tail.len().saturating_sub(16));
        }
        false
    }

    /// Whether the stream ended in order.
    fn ends(&mut self) -> bool {
        self.wait_for("\r\n0\r\n\r\n")
    }
}

#[test]
fn events_pass_one_by_one_as_they_come() {
    let (address, say) = upstream();
    let stack = Stack::with(address, |_| (), |s| feed(s, address));
    let mut client = Client::open(&stack);
    for text in ["data: one\n\n", ": still here\n\n", "data: two\n\n", "id: 3\ndata: three\n\n"] {
        say.send(text).unwrap();
        // Nothing more is sent before this arrived: nothing is held back.
        assert!(client.wait_for(text), "{text}");
    }
}

#[test]
fn events_are_charged_like_calls() {
    let (address, say) = upstream();
    let stack = Stack::with(
        address,
        |_| (),
        |s| {
            feed(s, address);
            s.limits.push(limit(LimitLevel::Subscription, "Four", 4));
            s.subscriptions[0].plan = "Four".into();
        },
    );
    let mut client = Client::open(&stack);
    for text in ["data: 1\n\n", ": a comment is no event\n\n", "data: 2\n\n", "data: 3\n\n"] {
        say.send(text).unwrap();
        assert!(client.wait_for(text), "{text}");
    }
    say.send("data: too many\n\n").unwrap();
    assert!(client.ends(), "{}", client.text);
    assert!(!client.text.contains("too many"));
    let (name, token) = bearer();
    assert_eq!(stack.get("/feed/1.0.0/news", &[(name, &token)]).status, 429, "whoever comes again is told why");
}

#[test]
fn an_upstream_that_never_pauses_is_looked_at_as_well() {
    let address = flood();
    let mut stack = Stack::with(address, |_| (), |s| feed(s, address));
    let mut revoked = Client::open(&stack);
    assert!(revoked.wait_for(": and so on"));
    stack.publish(|s| {
        s.revoked_tokens.insert("t-1".into(), Timestamp::from_seconds(NOW + 9999));
    });
    assert!(revoked.ends_within(4), "sooner than the next look at the time");
    stack.publish(|s| s.revoked_tokens.clear());
    let mut expired = Client::open(&stack);
    assert!(expired.wait_for(": and so on"));
    stack.clock.advance(3601);
    assert!(expired.ends_within(10));
}

#[test]
fn a_revoked_or_expired_token_ends_its_stream() {
    let (address, say) = upstream();
    let mut stack = Stack::with(address, |_| (), |s| feed(s, address));
    let mut client = Client::open(&stack);
    say.send("data: 1\n\n").unwrap();
    assert!(client.wait_for("data: 1"));
    stack.publish(|s| {
        s.revoked_tokens.insert("t-1".into(), Timestamp::from_seconds(NOW + 9999));
    });
    say.send("data: secret\n\n").unwrap();
    assert!(client.ends() && !client.text.contains("secret"), "{}", client.text);

    stack.publish(|s| s.revoked_tokens.clear());
    let mut quiet = Client::open(&stack);
    stack.clock.advance(3601);
    assert!(quiet.ends(), "nobody says anything, and yet it ends");
    drop(quiet);
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    assert!(log.records().iter().all(|record| record["complete"] == false), "the gateway ended both");
}
