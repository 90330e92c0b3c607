use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use super::survey;
use crate::tls::{Target, TargetError};

/// A listener that answers every connection with the same bytes.
fn server(answer: &'static [u8]) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(answer);
        }
    });
    Target { address, name: "localhost".into(), timeout: Duration::from_millis(500) }
}

#[test]
fn a_web_server_without_tls_is_named_as_such() {
    let target = server(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(survey(&target), Err(TargetError::NotTls));
}

#[test]
fn silence_refusal_and_half_a_hello_are_no_handshake() {
    for answer in [&b""[..], b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\x00\x30\x02\x00\x00\x2c\x03\x03", b"\x16"]
    {
        assert_eq!(survey(&server(answer)), Err(TargetError::NoHandshake), "{answer:?}");
    }
}

#[test]
fn a_closed_port_is_unreachable() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let target = Target { address, name: "x".into(), timeout: Duration::from_millis(500) };
    assert!(matches!(survey(&target), Err(TargetError::Unreachable(_))));
}
