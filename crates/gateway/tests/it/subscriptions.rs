//! GraphQL over WebSocket: each operation is judged like a call, each event is charged, and nothing else passes.

use crate::platform::*;
use crate::websocket::{Client, frame, masked, plain};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::snapshot::*;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Everything that clients' messages said at the upstream.
type Heard = Arc<Mutex<Vec<Value>>>;

/// Speaks both sub-protocols: each operation gets one event for every digit of its name, and `9` never ends.
fn upstream(protocol: Option<&'static str>) -> (SocketAddr, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Heard::default());
    let shared = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = Arc::clone(&shared);
            std::thread::spawn(move || serve(stream, protocol, &heard));
        }
    });
    (address, heard)
}

fn serve(mut stream: TcpStream, protocol: Option<&str>, heard: &Mutex<Vec<Value>>) -> Option<()> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
    };
    let head = String::from_utf8(bytes.drain(..end).collect()).unwrap();
    let field = |name: &str| head.lines().find_map(|l| l.strip_prefix(&format!("{name}: ")).map(str::to_owned));
    let text = format!("{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11", field("sec-websocket-key")?);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    heard.lock().unwrap().push(json!({"offered": field("sec-websocket-protocol"), "head": head}));
    let chosen = protocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    let accept = STANDARD.encode(digest);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{chosen}\r\n"
    );
    stream.write_all(answer.as_bytes()).ok()?;
    let legacy = protocol == Some("graphql-ws");
    loop {
        while let Some((first, payload, used)) = frame(&bytes) {
            bytes.drain(..used);
            if first & 0x0f == 8 {
                stream.write_all(&plain(first, &payload)).ok()?;
                return None;
            }
            if first & 0x0f > 8 {
                continue;
            }
            let message: Value = serde_json::from_slice(&payload).ok()?;
            heard.lock().unwrap().push(message.clone());
            let mut say = |value: Value| stream.write_all(&plain(0x81, value.to_string().as_bytes())).ok();
            match message["type"].as_str()? {
                "connection_init" => say(json!({"type": "connection_ack"}))?,
                "start" | "subscribe" => {
                    let id = message["id"].as_str()?;
                    for digit in id.chars().filter(char::is_ascii_digit) {
                        let kind = if legacy { "data" } else { "next" };
                        say(json!({"type": kind, "id": id, "payload": {"data": {"n": digit.to_string()}}}))?;
                    }
                    // An event of an operation that nobody has asked for.
                    say(json!({"type": "next", "id": "other", "payload": {"data": {"secret": 1}}}))?;
                    if !id.contains('9') {
                        say(json!({"type": "complete", "id": id}))?;
                    }
                }
                _ => {}
            }
        }
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
    }
}

fn stack(address: SocketAddr, change: impl FnOnce(&mut Snapshot)) -> Stack {
    Stack::with(
        address,
        |_| (),
        |snapshot| {
            edit(snapshot, |api| {
                api.kind = ApiKind::Graphql;
                let mut secret = resource("SUBSCRIPTION", "secret");
                secret.scopes = vec!["admin".into()];
                let mut twice = resource("SUBSCRIPTION", "twice");
                twice.limit = Some("Two".into());
                api.resources = vec![resource("QUERY", "lifts"), resource("SUBSCRIPTION", "changes"), secret, twice];
            });
            snapshot.limits.push(limit(LimitLevel::Advanced, "Two", 2));
            change(snapshot);
        },
    )
}

const LEGACY: &str = "graphql-ws";
const TRANSPORT: &str = "graphql-transport-ws";

fn open(stack: &Stack, protocol: &str, scope: &str) -> Client {
    let token = token(json!({"scope": scope}));
    let fields = format!("Authorization: Bearer {token}\r\nSec-WebSocket-Protocol: {protocol}\r\n");
    Client::open(stack, "/pizza/1.0.0", &fields).map_err(|reply| reply.text()).unwrap().0
}

fn ready(stack: &Stack, protocol: &str, scope: &str) -> Client {
    let mut client = open(stack, protocol, scope);
    say(&mut client, json!({"type": "connection_init", "payload": {}}));
    assert_eq!(hear(&mut client), json!({"type": "connection_ack"}));
    client
}

fn say(client: &mut Client, message: Value) {
    client.send(&masked(0x81, message.to_string().as_bytes()));
}

fn hear(client: &mut Client) -> Value {
    let (first, payload) = client.next().expect("a message");
    assert_eq!(first, 0x81, "{payload:?}");
    serde_json::from_slice(&payload).unwrap()
}

fn start(protocol: &str, id: &str, query: &str) -> Value {
    let kind = if protocol == LEGACY { "start" } else { "subscribe" };
    json!({"id": id, "type": kind, "payload": {"query": query}})
}

#[test]
fn each_operation_is_judged_and_its_events_pass() {
    for protocol in [LEGACY, TRANSPORT] {
        let (address, heard) = upstream(Some(protocol));
        let stack = stack(address, |_| ());
        let mut client = ready(&stack, &format!("chat, {protocol}"), "default");
        say(&mut client, start(protocol, "12", "subscription { changes { name } }"));
        for digit in ["1", "2"] {
            let event = hear(&mut client);
            assert_eq!((&event["id"], &event["payload"]["data"]["n"]), (&json!("12"), &json!(digit)));
        }
        assert_eq!(hear(&mut client), json!({"type": "complete", "id": "12"}), "nobody asked for the other one");
        say(&mut client, start(protocol, "a", "{ lifts { name } }"));
        assert_eq!(hear(&mut client), json!({"type": "complete", "id": "a"}), "queries go the same way");

        let reached = heard.lock().unwrap().len();
        for (query, code, text) in [
            ("subscription { secret }", 4002, "Resource: secret. Scope validation failed."),
            ("subscription { ...F } fragment F on Subscription { s: secret }", 4002, "Resource: secret"),
            ("subscription { nothing }", 4005, "no such operation"),
            ("subscription { changes", 4022, "INVALID QUERY"),
        ] {
            say(&mut client, start(protocol, "b", query));
            let refusal = hear(&mut client);
            assert_eq!((&refusal["type"], &refusal["id"]), (&json!("error"), &json!("b")), "{query}");
            let said = refusal["payload"].to_string();
            assert!(said.contains(&format!("\"code\":{code}")) && said.contains(text), "{query}: {said}");
        }
        assert_eq!(heard.lock().unwrap().len(), reached, "nothing of it reached the upstream");
        let first = heard.lock().unwrap()[0].clone();
        assert_eq!(first["offered"], protocol, "only what is understood is offered");
        assert!(!first["head"].as_str().unwrap().contains("authorization"));

        let mut admin = ready(&stack, protocol, "admin");
        say(&mut admin, start(protocol, "1", "subscription { secret }"));
        assert_eq!(hear(&mut admin)["payload"]["data"]["n"], "1");
        client.send(&masked(0x88, &1000u16.to_be_bytes()));
        assert_eq!(client.close_code(), 1000);
        assert_eq!(client.next(), None);
    }
}

#[test]
fn a_connection_needs_a_credential_and_a_sub_protocol() {
    let (address, heard) = upstream(Some(LEGACY));
    let stack = stack(address, |_| ());
    let refused = |fields: &str| Client::open(&stack, "/pizza/1.0.0", fields).err().map(|reply| reply.status);
    let good = format!("Authorization: {}\r\n", bearer().1);
    assert_eq!(refused("Sec-WebSocket-Protocol: graphql-ws\r\n"), Some(401));
    assert_eq!(refused("Authorization: Bearer x\r\nSec-WebSocket-Protocol: graphql-ws\r\n"), Some(401));
    assert_eq!(refused(&good), Some(400));
    assert_eq!(refused(&format!("{good}Sec-WebSocket-Protocol: chat\r\n")), Some(400));
    assert!(heard.lock().unwrap().is_empty());
    // The upstream chose another one than was offered, or none.
    assert_eq!(refused(&format!("{good}Sec-WebSocket-Protocol: graphql-transport-ws\r\n")), Some(502));
    let (address, _) = upstream(None);
    let silent = self::stack(address, |_| ());
    let reply = Client::open(&silent, "/pizza/1.0.0", &format!("{good}Sec-WebSocket-Protocol: graphql-ws\r\n"));
    assert_eq!(reply.err().map(|reply| reply.status), Some(502));
}

#[test]
fn what_the_sub_protocol_does_not_know_ends_the_connection() {
    let (address, heard) = upstream(Some(TRANSPORT));
    let stack = stack(address, |_| ());
    let subscribe = start(TRANSPORT, "9", "subscription { changes }").to_string();
    let twice = r#"{"id":"x","type":"subscribe","payload":{"query":"{ lifts }","query":"subscription { secret }"}}"#;
    let member = r#"{"id":"x","type":"subscribe","Payload":{"query":"subscription { secret }"}}"#;
    let long = start(TRANSPORT, &"x".repeat(257), "{ lifts }").to_string();
    for (message, code) in [
        (masked(0x81, b"no JSON"), 4400),
        (masked(0x81, br#"{"type":"execute"}"#), 4400),
        (masked(0x81, start(LEGACY, "x", "{ lifts }").to_string().as_bytes()), 4400),
        (masked(0x81, twice.as_bytes()), 4400),
        (masked(0x81, member.as_bytes()), 4400),
        (masked(0x81, long.as_bytes()), 4400),
        (masked(0x82, subscribe.as_bytes()), 4400),
        (masked(0x81, br#"{"type":"connection_init"}"#), 4429),
        (plain(0x81, subscribe.as_bytes()), 1002),
        (masked(0x81, &[b' '; 130 * 1024]), 1009),
    ] {
        let mut client = ready(&stack, TRANSPORT, "default");
        client.send(&message);
        assert_eq!(client.close_code(), code, "{}", String::from_utf8_lossy(&message[..message.len().min(90)]));
    }
    let mut early = open(&stack, TRANSPORT, "default");
    early.send(&masked(0x81, subscribe.as_bytes()));
    assert_eq!(early.close_code(), 4401);

    // The second operation of a name would get the events of the first.
    let mut client = ready(&stack, TRANSPORT, "default");
    say(&mut client, start(TRANSPORT, "9", "subscription { changes }"));
    assert_eq!(hear(&mut client)["payload"]["data"]["n"], "9");
    say(&mut client, start(TRANSPORT, "9", "{ lifts }"));
    assert_eq!(client.close_code(), 4409);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.iter().filter(|message| message["type"] == "subscribe").count(), 1);
}

#[test]
fn operations_in_pieces_are_judged_as_a_whole() {
    let (address, heard) = upstream(Some(LEGACY));
    let stack = stack(address, |_| ());
    let mut client = ready(&stack, LEGACY, "default");
    let message = start(LEGACY, "1", "subscription { secret }").to_string();
    let (one, two) = message.as_bytes().split_at(40);
    client.send(&masked(0x01, one));
    client.send(&masked(0x89, b"in between"));
    client.send(&masked(0x80, two));
    assert_eq!(hear(&mut client)["payload"]["code"], 4002);
    assert_eq!(heard.lock().unwrap().len(), 2, "the handshake and connection_init");
    // Frames without content hold nothing for long either.
    client.send(&[masked(0x01, b""), masked(0x00, b"").repeat(60_000)].concat());
    assert!(matches!(client.close_code(), 1008 | 1009));
}

#[test]
fn operations_and_events_are_charged() {
    let (address, _) = upstream(Some(LEGACY));
    let stack = stack(address, |_| ());
    let mut client = ready(&stack, LEGACY, "default");
    for id in ["a", "b"] {
        say(&mut client, start(LEGACY, id, "subscription { twice }"));
        assert_eq!(hear(&mut client)["type"], "complete");
    }
    say(&mut client, start(LEGACY, "c", "subscription { twice }"));
    let refusal =
        json!({"id": "c", "type": "error", "payload": {"code": 4003, "message": "Websocket frame throttled out"}});
    assert_eq!(hear(&mut client), refusal);
    say(&mut client, start(LEGACY, "d", "subscription { changes }"));
    assert_eq!(hear(&mut client)["type"], "complete", "other operations go on");

    let (address, heard) = upstream(Some(LEGACY));
    let stack = self::stack(address, |s| {
        s.limits.push(limit(LimitLevel::Subscription, "Five", 5));
        s.subscriptions[0].plan = "Five".into();
    });
    let mut client = ready(&stack, LEGACY, "default");
    // The handshake, the operation, and three events.
    say(&mut client, start(LEGACY, "12349", "subscription { changes }"));
    for digit in ["1", "2", "3"] {
        assert_eq!(hear(&mut client)["payload"]["data"]["n"], digit);
    }
    let refusal = hear(&mut client);
    assert_eq!((&refusal["id"], &refusal["payload"]["code"]), (&json!("12349"), &json!(4003)));
    stack.clock.advance(60);
    say(&mut client, start(LEGACY, "z", "subscription { changes }"));
    assert_eq!(hear(&mut client)["type"], "complete", "nothing follows of the operation that ended");
    assert!(heard.lock().unwrap().contains(&json!({"id": "12349", "type": "stop"})), "the upstream is told");
}

#[test]
fn depth_and_cost_are_bounded() {
    let (address, _) = upstream(Some(TRANSPORT));
    let stack = stack(address, |s| {
        let mut plan = limit(LimitLevel::Subscription, "Small", 100);
        (plan.graphql_depth, plan.graphql_complexity) = (Some(1), Some(3));
        s.limits.push(plan);
        s.subscriptions[0].plan = "Small".into();
    });
    let mut client = ready(&stack, TRANSPORT, "default");
    for (query, code) in [("subscription { changes { name } }", 4020), ("subscription { changes(first: 9) }", 4021)] {
        say(&mut client, start(TRANSPORT, "1", query));
        assert_eq!(hear(&mut client)["payload"][0]["extensions"]["code"], code, "{query}");
    }
}

#[test]
fn an_operation_ends_when_it_is_not_allowed_any_more() {
    let (address, heard) = upstream(Some(TRANSPORT));
    let mut stack = stack(address, |_| ());
    let mut client = ready(&stack, TRANSPORT, "default");
    say(&mut client, start(TRANSPORT, "9", "subscription { changes }"));
    assert_eq!(hear(&mut client)["type"], "next");
    stack.publish(|s| edit(s, |api| api.resources[1].scopes = vec!["admin".into()]));
    // The look that comes every few seconds finds it.
    assert_eq!(hear(&mut client)["payload"][0]["extensions"]["code"], 4002);
    say(&mut client, start(TRANSPORT, "a", "{ lifts }"));
    assert_eq!(hear(&mut client)["type"], "complete", "what is allowed goes on");
    assert!(heard.lock().unwrap().contains(&json!({"id": "9", "type": "complete"})));
    stack.publish(|s| {
        s.revoked_tokens.insert("t-1".into(), model::Timestamp::from_seconds(NOW + 9999));
    });
    say(&mut client, start(TRANSPORT, "b", "{ lifts }"));
    assert_eq!(client.close_code(), 1008);
}
