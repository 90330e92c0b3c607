//! Proxies in front: who is believed, and what for.

use crate::platform::*;
use gateway::{ForwardedField, GatewaySettings, Proxies};
use model::TenantId;
use model::snapshot::{Denial, DenyCondition, Snapshot};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn deny(snapshot: &mut Snapshot) {
    let condition = DenyCondition::Ip { network: "192.0.2.66".into(), invert: false };
    snapshot.denials.push(Denial { tenant: TenantId::SUPER, condition });
}

fn stack(upstream: &Upstream, proxies: Proxies) -> Stack {
    // One worker, so that the records are in order.
    let settings = |s: &mut GatewaySettings| (s.proxies, s.workers) = (proxies, 1);
    Stack::with(upstream.address, settings, deny)
}

fn loopback() -> Vec<ipnet::IpNet> {
    vec!["127.0.0.0/8".parse().unwrap()]
}

/// A header of version 2 with its addresses.
fn header(version_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[version_command, family], &length, rest].concat()
}

fn ipv4(source: [u8; 4]) -> Vec<u8> {
    [&source[..], &[10, 0, 0, 1, 0x12, 0x34, 0x20, 0xfb]].concat()
}

fn request() -> Vec<u8> {
    format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1).into_bytes()
}

fn peers(stack: Stack) -> Vec<Value> {
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    log.records().into_iter().map(|record| record["peer"].clone()).collect()
}

#[test]
fn the_proxy_protocol_names_the_client() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, Proxies { protocol: loopback(), ..Proxies::default() });
    let send_after = |head: Vec<u8>| send(stack.address(), &[head, request()].concat()).map(|reply| reply.status);
    assert_eq!(send_after(header(0x21, 0x11, &ipv4([192, 0, 2, 7]))), Some(200));
    assert_eq!(send_after(header(0x21, 0x11, &ipv4([192, 0, 2, 66]))), Some(403), "a denied address");
    let mut six = [0; 36];
    six[..2].copy_from_slice(&[0x20, 0x01]);
    assert_eq!(send_after(header(0x21, 0x21, &six)), Some(200));
    let extended = [ipv4([192, 0, 2, 8]), vec![0x20, 0, 5, 0, 0, 0, 0, 0]].concat();
    assert_eq!(send_after(header(0x21, 0x11, &extended)), Some(200), "extensions are passed over");
    assert_eq!(send_after(header(0x20, 0x00, &[])), Some(200), "a health check of the proxy itself");
    assert_eq!(peers(stack), ["192.0.2.7", "192.0.2.66", "2001::", "192.0.2.8", "127.0.0.1"]);
}

#[test]
fn a_listed_peer_that_does_not_speak_it_is_cut() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, Proxies { protocol: loopback(), ..Proxies::default() });
    for bytes in [
        request(),
        [b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(), request()].concat(),
        [header(0x11, 0x11, &ipv4([192, 0, 2, 7])), request()].concat(),
        [header(0x22, 0x11, &ipv4([192, 0, 2, 7])), request()].concat(),
        [header(0x21, 0x11, &[1, 2, 3]), request()].concat(),
        [header(0x21, 0x21, &ipv4([192, 0, 2, 7])), request()].concat(),
        [header(0x21, 0x00, &ipv4([192, 0, 2, 7])), request()].concat(),
        [header(0x21, 0x31, &[0; 216]), request()].concat(),
        [header(0x21, 0x11, &[0; 4096]), request()].concat(),
    ] {
        assert!(send(stack.address(), &bytes).is_none(), "{}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(upstream.heard(), 0);
}

#[test]
fn a_silent_proxy_is_cut_in_time() {
    let upstream = Upstream::echo();
    let proxies = Proxies { protocol: loopback(), ..Proxies::default() };
    let settings = |s: &mut GatewaySettings| {
        s.proxies = proxies;
        s.caps.handshake_timeout = Duration::from_millis(300);
    };
    let stack = Stack::with(upstream.address, settings, |_| ());
    let mut stream = TcpStream::connect(stack.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(&SIGNATURE[..5]).unwrap();
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0);
}

#[test]
fn nobody_else_is_believed() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, Proxies::default());
    let forged = header(0x21, 0x11, &ipv4([192, 0, 2, 7]));
    let reply = send(stack.address(), &[forged, request()].concat());
    assert_eq!(reply.map(|r| r.status), Some(400));
    let (name, token) = bearer();
    let reply = stack.get("/pizza/1.0.0/menu", &[(name, &token), ("X-Forwarded-For", "192.0.2.66")]);
    assert_eq!(reply.status, 200);
    assert!(!reply.text().to_lowercase().contains("192.0.2.66"), "nor is it passed on");
}

#[test]
fn the_field_of_a_listed_peer_counts_for_each_request_alone() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, Proxies { forwarded: loopback(), ..Proxies::default() });
    let mut stream = TcpStream::connect(stack.address()).unwrap();
    let mut ask = |address: &str| {
        let (_, token) = bearer();
        let text = format!(
            "GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nX-Forwarded-For: {address}\r\n\r\n"
        );
        stream.write_all(text.as_bytes()).unwrap();
        read_reply(&mut stream).unwrap().status
    };
    // The same token on the same connection: what is known about one client does not hold for the next.
    assert_eq!(
        [ask("192.0.2.7"), ask("192.0.2.66"), ask("192.0.2.7"), ask("6.6.6.6, 192.0.2.66")],
        [200, 403, 200, 403]
    );
    drop(stream);
    assert_eq!(peers(stack), ["192.0.2.7", "192.0.2.66", "192.0.2.7", "192.0.2.66"]);
}

#[test]
fn tls_before_the_proxy_counts_where_the_proxy_is_believed() {
    let upstream = Upstream::echo();
    for (forwarded, field, name, value, status) in [
        (loopback(), ForwardedField::XForwardedFor, "X-Forwarded-Proto", "https", 200),
        (loopback(), ForwardedField::XForwardedFor, "X-Forwarded-Proto", "http", 403),
        (loopback(), ForwardedField::Forwarded, "Forwarded", "for=192.0.2.7;proto=https", 200),
        (loopback(), ForwardedField::Forwarded, "X-Forwarded-Proto", "https", 403),
        (Vec::new(), ForwardedField::XForwardedFor, "X-Forwarded-Proto", "https", 403),
    ] {
        let proxies = Proxies { forwarded, field, ..Proxies::default() };
        let mut stack = stack(&upstream, proxies);
        stack.publish(|s| edit(s, |api| api.transports.http = false));
        let (own, token) = bearer();
        let reply = stack.get("/pizza/1.0.0/menu", &[(own, &token), (name, value)]);
        assert_eq!(reply.status, status, "{name}: {value}");
    }
}

#[test]
fn expectations_end_here() {
    let upstream = Upstream::echo();
    let stack = stack(&upstream, Proxies::default());
    let (_, token) = bearer();
    let head = |expect: &str, token: &str| {
        format!(
            "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\
             Content-Length: 5\r\nExpect: {expect}\r\n\r\n"
        )
    };
    let mut stream = TcpStream::connect(stack.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(head("100-continue", &token).as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").unwrap();
    let reply = read_reply(&mut stream).unwrap();
    assert!(reply.status == 200 && reply.text().ends_with("hello"));
    assert!(!reply.text().to_lowercase().contains("expect:"), "{}", reply.text());
    // A refusal asks for no body.
    let refused = send(stack.address(), head("100-continue", "Bearer x").as_bytes()).unwrap();
    assert_eq!(refused.status, 401);
    let other = send(stack.address(), head("200-maybe", &token).as_bytes()).unwrap();
    assert_eq!(other.status, 417);
}
