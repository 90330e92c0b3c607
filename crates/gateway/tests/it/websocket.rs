//! WebSockets: who may open one, what passes, and how they end.

use crate::platform::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::snapshot::{ApiKind, LimitLevel, Snapshot, SubscriptionState};
use model::{TenantId, Timestamp};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What an upstream does after its answer.
#[derive(Clone, Copy)]
enum Manner {
    Echo,
    /// Sends these bytes and waits.
    Say(&'static [u8]),
    /// Sends these bytes and leaves.
    SayAndLeave(&'static [u8]),
    /// Answers with this instead of 101.
    Refuse(&'static str),
    WrongAccept,
}

struct Peer {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    /// Raw bytes that came after the head.
    received: Arc<Mutex<Vec<u8>>>,
}

fn upstream(manner: Manner) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = Peer { address: listener.local_addr().unwrap(), heads: Arc::default(), received: Arc::default() };
    let (heads, received) = (Arc::clone(&peer.heads), Arc::clone(&peer.received));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (heads, received) = (Arc::clone(&heads), Arc::clone(&received));
            std::thread::spawn(move || serve(stream, manner, &heads, &received));
        }
    });
    peer
}

fn serve(mut stream: TcpStream, manner: Manner, heads: &Mutex<Vec<String>>, received: &Mutex<Vec<u8>>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    heads.lock().unwrap().push(head.clone());
    let key = head.lines().find_map(|l| l.strip_prefix("sec-websocket-key: "))?;
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes(),
    );
    let accept = STANDARD.encode(digest);
    let accept = if matches!(manner, Manner::WrongAccept) { "s3pPLMBiTxaQ9kYGzzhZRbK+xOo" } else { &accept };
    if let Manner::Refuse(answer) = manner {
        stream.write_all(answer.as_bytes()).ok()?;
        return None;
    }
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nServer: secret\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).ok()?;
    match manner {
        Manner::Say(bytes) => stream.write_all(bytes).ok()?,
        Manner::SayAndLeave(bytes) => return stream.write_all(bytes).ok(),
        _ => {}
    }
    bytes.drain(..end);
    loop {
        if matches!(manner, Manner::Echo) {
            while let Some((first, payload, used)) = frame(&bytes) {
                bytes.drain(..used);
                stream.write_all(&plain(first, &payload)).ok()?;
                if first & 0x0f == 8 {
                    return None;
                }
            }
        }
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        received.lock().unwrap().extend_from_slice(&buffer[..n]);
        bytes.extend_from_slice(&buffer[..n]);
    }
}

/// First byte, payload and length of a whole frame.
pub(crate) fn frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, mut at) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())).unwrap(), 10),
        short => (usize::from(short), 2),
    };
    let mask = if second & 0x80 == 0 { [0; 4] } else { bytes.get(at..at + 4)?.try_into().unwrap() };
    at += if second & 0x80 == 0 { 0 } else { 4 };
    let payload = bytes.get(at..at + length)?;
    Some((first, payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect(), at + length))
}

fn head(first: u8, masked: bool, length: usize) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match u16::try_from(length) {
        Ok(short @ 0..126) => bytes.push(mask | u8::try_from(short).unwrap()),
        Ok(medium) => {
            bytes.push(mask | 126);
            bytes.extend_from_slice(&medium.to_be_bytes());
        }
        Err(_) => {
            bytes.push(mask | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes
}

pub(crate) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    [head(first, false, payload.len()), payload.to_vec()].concat()
}

pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, true, payload.len());
    bytes.extend_from_slice(&[1, 2, 3, 4]);
    bytes.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

pub(crate) struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Client {
    pub(crate) fn open(stack: &Stack, path: &str, headers: &str) -> Result<(Self, Reply), Reply> {
        let mut stream = TcpStream::connect(stack.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let raw = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
        );
        stream.write_all(raw.as_bytes()).unwrap();
        // Byte by byte, so that no frame is taken for a part of the answer.
        let mut bytes = Vec::new();
        while find(&bytes, b"\r\n\r\n").is_none() {
            let mut one = [0];
            if stream.read(&mut one).unwrap() == 0 {
                break;
            }
            bytes.push(one[0]);
        }
        let mut both = std::io::Cursor::new(bytes).chain(&stream);
        let reply = read_reply(&mut both).unwrap();
        if reply.status == 101 { Ok((Self { stream, bytes: reply.body.clone() }, reply)) } else { Err(reply) }
    }

    fn authorised(stack: &Stack) -> Self {
        let (_, token) = bearer();
        Self::open(stack, "/chat/1.0.0/room", &format!("Authorization: {token}\r\n")).unwrap().0
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((first, payload, used)) = frame(&self.bytes) {
                self.bytes.drain(..used);
                return Some((first, payload));
            }
            let mut buffer = [0; 16 * 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Err(error) => panic!("no frame: {error}"),
                Ok(n) => self.bytes.extend_from_slice(&buffer[..n]),
            }
        }
    }

    pub(crate) fn close_code(&mut self) -> u16 {
        let (first, payload) = self.next().expect("a close frame");
        assert_eq!(first, 0x88, "a close frame");
        u16::from_be_bytes(payload[..2].try_into().unwrap())
    }
}

fn chat(snapshot: &mut Snapshot, address: SocketAddr) {
    edit(snapshot, |api| {
        *api = crate::platform::api(1, "/chat", &format!("ws://{address}/base"));
        api.kind = ApiKind::Ws;
        let mut open = resource("SUBSCRIBE", "/open");
        open.authenticated = false;
        api.resources = vec![resource("PUBLISH", "/room"), resource("SUBSCRIBE", "/room"), open];
    });
}

fn stack(peer: &Peer) -> Stack {
    Stack::with(peer.address, |_| (), |s| chat(s, peer.address))
}

#[test]
fn messages_pass_both_ways_and_leave_a_record() {
    let peer = upstream(Manner::Echo);
    let stack = stack(&peer);
    let (_, token) = bearer();
    let fields = format!("Authorization: {token}\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX-Mine: 1\r\n");
    let (mut client, reply) = Client::open(&stack, "/chat/1.0.0/room?a=1", &fields).unwrap();
    assert_eq!(reply.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!((reply.header("server"), reply.header("sec-websocket-extensions")), (None, None));
    let head = peer.heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("get /base/room?a=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("x-mine: 1") && head.contains("upgrade: websocket"), "{head}");
    assert!(!head.contains("authorization") && !head.contains("extensions"), "{head}");
    for (first, payload) in [(0x81, vec![b'x'; 5]), (0x82, vec![7; 300]), (0x82, vec![9; 70_000]), (0x89, vec![1])] {
        client.send(&masked(first, &payload));
        assert!(client.next() == Some((first, payload)));
    }
    client.send(&masked(0x01, b"one "));
    client.send(&masked(0x80, b"two"));
    assert_eq!(client.next(), Some((0x01, b"one ".to_vec())));
    assert_eq!(client.next(), Some((0x80, b"two".to_vec())));
    client.send(&masked(0x88, &1000u16.to_be_bytes()));
    assert_eq!(client.close_code(), 1000);
    assert_eq!(client.next(), None);
    drop(client);
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    let records = log.records();
    assert_eq!(records.len(), 1);
    assert_eq!((records[0]["status"].as_u64(), records[0].get("complete")), (Some(101), None));
    assert!(records[0]["bytes_in"].as_u64().unwrap() > 70_000);
    assert!(records[0]["bytes_out"].as_u64().unwrap() > 70_000);
}

#[test]
fn who_may_not_call_opens_nothing() {
    let peer = upstream(Manner::Echo);
    let mut stack = stack(&peer);
    let refused = |stack: &Stack, path: &str, headers: &str| {
        let reply = Client::open(stack, path, headers).err().expect("refused");
        (reply.status, reply.code())
    };
    let (_, token) = bearer();
    let good = format!("Authorization: {token}\r\n");
    assert_eq!(refused(&stack, "/chat/1.0.0/room", ""), (401, "900902".into()));
    assert_eq!(refused(&stack, "/chat/1.0.0/room", "Authorization: Bearer x\r\n"), (401, "900901".into()));
    assert_eq!(refused(&stack, "/chat/1.0.0/else", &good), (404, "404".into()));
    assert_eq!(refused(&stack, "/chat/1.0.0/room", &format!("{good}Content-Length: 3\r\n")), (400, "400".into()));
    let plain = stack.get("/chat/1.0.0/room", &[("Authorization", &token)]);
    assert_eq!((plain.status, plain.header("upgrade")), (426, Some("websocket")));
    stack.publish(|s| s.subscriptions[0].state = SubscriptionState::Blocked);
    assert_eq!(refused(&stack, "/chat/1.0.0/room", &good), (401, "900907".into()));
    assert_eq!(peer.heads.lock().unwrap().len(), 0, "nothing reached the upstream");
    assert!(Client::open(&stack, "/chat/1.0.0/open", "").is_ok());
}

#[test]
fn a_browser_sends_its_token_in_the_query_and_it_ends_there() {
    let peer = upstream(Manner::Echo);
    let stack = stack(&peer);
    let token = token(json!({}));
    let path = format!("/chat/1.0.0/room?b=2&access_token={token}&c=3");
    assert!(Client::open(&stack, &path, "").is_ok());
    let head = peer.heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET /base/room?b=2&c=3 HTTP/1.1"), "{head}");
    let twice = Client::open(&stack, &path, &format!("Authorization: Bearer {token}\r\n"));
    assert_eq!(twice.err().map(|r| r.status), Some(401), "two tokens");
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    assert!(!serde_json::to_string(&log.records()).unwrap().contains(&token), "no token in the log");
}

#[test]
fn pages_of_other_sites_are_refused_where_the_api_names_its_own() {
    let peer = upstream(Manner::Echo);
    let mut stack = stack(&peer);
    let open = |stack: &Stack, origin: &str| {
        let fields = format!("Authorization: {}\r\nOrigin: {origin}\r\n", bearer().1);
        Client::open(stack, "/chat/1.0.0/room", &fields).map_or_else(|reply| reply.status, |(_, reply)| reply.status)
    };
    assert_eq!(open(&stack, "https://evil.example"), 101);
    stack.publish(|s| {
        edit(s, |api| {
            let mut cors = gateway::GatewaySettings::wso2_default_cors();
            cors.allow_origins = vec!["https://shop.example".into()];
            api.cors = Some(cors);
        });
    });
    assert_eq!(open(&stack, "https://evil.example"), 403);
    assert_eq!(open(&stack, "https://shop.example"), 101);
}

#[test]
fn broken_frames_of_a_client_end_the_tunnel() {
    let peer = upstream(Manner::Echo);
    let stack = Stack::with(peer.address, |s| s.caps.message_bytes = 1000, |s| chat(s, peer.address));
    for (bytes, code, reason) in [
        (plain(0x81, b"hi"), 1002, "unmasked"),
        (masked(0xc1, b"hi"), 1002, "a reserved bit"),
        (masked(0x83, b""), 1002, "an unknown opcode"),
        (masked(0x80, b""), 1002, "a continuation of nothing"),
        (masked(0x89, &[0; 126]), 1002, "a long ping"),
        (masked(0x82, &[0; 1001]), 1009, "a large frame"),
        ([masked(0x02, &[0; 600]), masked(0x80, &[0; 600])].concat(), 1009, "a large message"),
    ] {
        let mut client = Client::authorised(&stack);
        client.send(&bytes);
        let code_sent = loop {
            match client.next() {
                Some((0x88, payload)) => break u16::from_be_bytes(payload[..2].try_into().unwrap()),
                Some(_echo) => {}
                None => panic!("no close frame for {reason}"),
            }
        };
        assert_eq!(code_sent, code, "{reason}");
        assert_eq!(client.next(), None, "{reason}");
    }
    let last = peer.received.lock().unwrap().clone();
    assert!(find(&last, &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]).is_some(), "the upstream is told that we go away");
}

#[test]
fn an_upstream_that_lies_or_leaves_is_contained() {
    for (manner, code) in [
        (Manner::Say(&[0x81, 0x80, 0, 0, 0, 0]), 1014),
        (Manner::Say(&[0xf1, 0x00]), 1014),
        (Manner::SayAndLeave(&[0x81, 0x02, b'h', b'i']), 1014),
        (Manner::Say(&[0x88, 0x02, 0x03, 0xe8]), 1000),
    ] {
        let peer = upstream(manner);
        // Kept: a gateway that is dropped says goodbye to its clients.
        let stack = stack(&peer);
        let mut client = Client::authorised(&stack);
        if matches!(manner, Manner::SayAndLeave(_)) {
            assert_eq!(client.next(), Some((0x81, b"hi".to_vec())));
        }
        assert_eq!(client.close_code(), code);
    }
    let peer = upstream(Manner::WrongAccept);
    let reply = Client::open(&stack(&peer), "/chat/1.0.0/open", "").err().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (502, "101503"));
    let peer = upstream(Manner::Refuse("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"));
    let reply = Client::open(&stack(&peer), "/chat/1.0.0/open", "").err().unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (404, "no"));
    let peer = upstream(Manner::Refuse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"));
    assert_eq!(Client::open(&stack(&peer), "/chat/1.0.0/open", "").err().unwrap().status, 502);
}

#[test]
fn messages_are_charged_like_calls() {
    let peer = upstream(Manner::Echo);
    let stack = Stack::with(
        peer.address,
        |_| (),
        |s| {
            chat(s, peer.address);
            s.limits.push(limit(LimitLevel::Subscription, "Ten", 10));
            s.subscriptions[0].plan = "Ten".into();
        },
    );
    let mut client = Client::authorised(&stack);
    // The handshake was the first of the ten; each message is counted on its way there and back.
    for _ in 0..4 {
        client.send(&masked(0x81, b"x"));
        assert_eq!(client.next(), Some((0x81, b"x".to_vec())));
    }
    client.send(&masked(0x81, b"x"));
    // The text is WSO2's; clients look for it.
    let said = b"Error code: 4003 reason: Websocket frame throttled out".to_vec();
    assert_eq!(client.next(), Some((0x81, said)));
    assert_eq!(client.close_code(), 1008);
    let again = Client::open(&stack, "/chat/1.0.0/room", &format!("Authorization: {}\r\n", bearer().1));
    assert_eq!(again.err().map(|r| r.status), Some(429));
}

#[test]
fn a_flood_of_frames_is_cut() {
    let peer = upstream(Manner::Say(b""));
    let stack = Stack::with(peer.address, |s| s.caps.frames_per_second = 50, |s| chat(s, peer.address));
    let mut client = Client::authorised(&stack);
    client.send(&masked(0x89, b"").repeat(200));
    assert_eq!(client.close_code(), 1008);
}

#[test]
fn a_revoked_or_expired_token_ends_its_tunnel() {
    let peer = upstream(Manner::Echo);
    let mut stack = stack(&peer);
    let mut client = Client::authorised(&stack);
    client.send(&masked(0x81, b"x"));
    assert!(client.next().is_some());
    stack.publish(|s| {
        s.revoked_tokens.insert("t-1".into(), Timestamp::from_seconds(NOW + 9999));
    });
    client.send(&masked(0x81, b"x"));
    assert_eq!(client.close_code(), 1008);

    stack.publish(|s| s.revoked_tokens.clear());
    let mut quiet = Client::authorised(&stack);
    stack.clock.advance(3601);
    // Nobody sends anything: the look that comes every few seconds finds it.
    assert_eq!(quiet.close_code(), 1008);
}

#[test]
fn tunnels_end_with_the_gateway_and_live_through_other_changes() {
    let peer = upstream(Manner::Echo);
    let mut stack = stack(&peer);
    let mut client = Client::authorised(&stack);
    for n in 0..5 {
        stack.publish(|s| {
            s.subject_epochs.insert((TenantId::SUPER, format!("user-{n}")), Timestamp::from_seconds(NOW));
        });
        client.send(&masked(0x81, b"still here"));
        assert_eq!(client.next(), Some((0x81, b"still here".to_vec())));
    }
    let stopping = std::thread::spawn(move || stack.handle.stop());
    assert_eq!(client.close_code(), 1001);
    drop(client);
    stopping.join().unwrap();
}

#[test]
fn a_handshake_is_written_down_when_somebody_looks_at_its_api() {
    let peer = upstream(Manner::Echo);
    let stack = Stack::with(
        peer.address,
        |_| (),
        |snapshot| {
            chat(snapshot, peer.address);
            let level = model::snapshot::LogLevel::Basic;
            snapshot.logs = vec![model::snapshot::ApiLog { api: model::ApiId::new(id(1)), resource: None, level }];
        },
    );
    let (_, token) = bearer();
    let opened = Client::open(&stack, "/chat/1.0.0/room", &format!("Authorization: {token}\r\n"));
    assert!(opened.is_ok() && Client::open(&stack, "/chat/1.0.0/room", "").is_err());
    drop(opened);
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    let lines = log.of_apis();
    for (step, times) in [("flow: REQUEST_IN", 2), ("statusCode: 101", 1), ("statusCode: 401", 1)] {
        assert_eq!(lines.matches(step).count(), times, "{step}: {lines}");
    }
}
