//! Upstreams that answer in ways meant to confuse: every answer is understood without doubt or refused, and nothing of one
//! call is ever seen by the next.

use crate::platform::*;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn menu(stack: &Stack) -> Reply {
    stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)])
}

/// One worker, so that calls share a pool; half a second for an answer.
fn stack(upstream: SocketAddr) -> Stack {
    Stack::with(upstream, |s| s.workers = 1, |s| edit(s, |api| api.production.as_mut().unwrap().timeout_ms = 500))
}

/// An upstream whose connections are served by a closure, each with its number.
fn raw_upstream(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream, number));
        }
    });
    address
}

/// Reads up to the end of a request's head; what follows it in the same read is returned.
fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            return Some(bytes.split_off(end + 4));
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "peers are slow in real time")]
fn wait(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// Waits until a condition holds; panics after ten seconds.
fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        wait(5);
    }
}

#[test]
fn ambiguous_answers_are_refused_and_end_the_connection() {
    let heads = [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ];
    let upstream = Upstream::start(move |heard| {
        let index: usize = heard.head.split(['/', ' ']).nth(4).unwrap().parse().unwrap();
        Act::Answer(heads[index].as_bytes().to_vec())
    });
    let stack = stack(upstream.address);
    for (index, head) in heads.iter().enumerate() {
        let reply = stack.get(&format!("/pizza/1.0.0/any/{index}"), &[("Authorization", &bearer().1)]);
        assert_eq!((reply.status, reply.code().as_str()), (502, "101503"), "{head:?}");
    }
    assert_eq!(upstream.heard(), heads.len(), "an answer that was refused is not asked for again");
    assert_eq!(stack.handle.metrics().upstream_reuses, 0);
}

#[test]
fn bytes_behind_an_answer_reach_nobody() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for (answer, with_it) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 42\r\n\r\n", true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n", false),
    ] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let address = raw_upstream(move |mut stream, _| {
            while read_head(&mut stream).is_some() {
                let first = if with_it { format!("{answer}{evil}") } else { answer.to_owned() };
                let _gone = stream.write_all(first.as_bytes());
                if !with_it {
                    // While the connection is idle.
                    wait(30);
                    let _gone = stream.write_all(evil.as_bytes());
                }
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let stack = stack(address);
        for call in 1..=4 {
            let reply = menu(&stack);
            assert_ne!(reply.text(), "evil", "{answer}");
            assert!(matches!(reply.status, 200 | 204 | 304), "{answer}: {reply:?}");
            until("the bytes are sent", || sent.load(Ordering::SeqCst) == call);
            wait(30);
        }
        assert_eq!(stack.handle.metrics().upstream_reuses, 0, "{answer}");
    }
}

#[test]
fn good_answers_of_every_kind_keep_the_connection() {
    let upstream = Upstream::start(|heard| {
        Act::Answer(match heard.turn {
            0 => ok(b"length", ""),
            1 => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nchunk\r\n2\r\ned\r\n0\r\nT: dropped\r\n\r\n".to_vec(),
            2 => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            3 => b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n".to_vec(),
            4 => b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nafter".to_vec(),
            5 => ok(&vec![b'l'; 300_000], ""),
            _ => ok(b"", "Connection: X-Hop\r\nX-Hop: 1\r\n"),
        })
    });
    let stack = stack(upstream.address);
    for (status, text) in [(200, "length"), (200, "chunked"), (204, ""), (304, ""), (200, "after")] {
        let reply = menu(&stack);
        assert_eq!((reply.status, reply.text().as_str()), (status, text));
        assert!(reply.header("t").is_none() && reply.header("link").is_none());
    }
    assert_eq!(menu(&stack).body.len(), 300_000);
    let last = menu(&stack);
    assert!(last.status == 200 && last.header("x-hop").is_none() && last.header("connection").is_none(), "{last:?}");
    let metrics = stack.handle.metrics();
    assert_eq!((metrics.upstream_connections, metrics.upstream_reuses), (1, 6));
}

#[test]
fn answers_to_head_have_a_length_and_no_body() {
    let upstream = Upstream::start(|_| Act::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec()));
    let stack = Stack::with(
        upstream.address,
        |s| s.workers = 1,
        |s| edit(s, |api| api.resources.push(resource("HEAD", "/menu"))),
    );
    for _ in 0..2 {
        let mut client = TcpStream::connect(stack.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = format!(
            "HEAD /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {}\r\n\r\n",
            bearer().1
        );
        client.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("content-length: 5\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }
    assert_eq!(stack.handle.metrics().upstream_reuses, 1);
}

#[test]
fn bad_chunks_break_the_answer_off() {
    for raw in ["0x5\r\nabcde", "5\r\nabcdeXX", "5 \r\nabcde", "5\nabcde", "ffffffffffffffff1\r\nabcde", "5\r\nabc"] {
        let address = raw_upstream(move |mut stream, _| {
            if read_head(&mut stream).is_some() {
                let _gone =
                    stream.write_all(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{raw}").as_bytes());
                let _gone = stream.shutdown(Shutdown::Write);
            }
        });
        let stack = stack(address);
        let request =
            format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
        assert!(send(stack.address(), request.as_bytes()).is_none(), "{raw:?} passed as whole");
        let log = Arc::clone(&stack.log);
        stack.handle.stop();
        assert_eq!(log.records()[0]["complete"], false, "{raw:?}");
    }
}

#[test]
fn a_slow_head_is_read_and_an_endless_one_ends_at_the_deadline() {
    let patient = raw_upstream(|mut stream, _| {
        if read_head(&mut stream).is_some() {
            for byte in ok(b"slowly", "") {
                let _gone = stream.write_all(&[byte]);
                wait(1);
            }
        }
    });
    assert_eq!(menu(&stack(patient)).text(), "slowly");
    for drip in ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: "] {
        let endless = raw_upstream(move |mut stream, _| {
            if read_head(&mut stream).is_some() {
                let _gone = stream.write_all(drip.as_bytes());
                while stream.write_all(b"x").is_ok() {
                    wait(20);
                }
            }
        });
        let begun = Instant::now();
        let reply = menu(&stack(endless));
        assert_eq!((reply.status, reply.code().as_str()), (504, "101504"), "{drip:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    let interim = raw_upstream(|mut stream, _| {
        if read_head(&mut stream).is_some() {
            while stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").is_ok() {}
        }
    });
    assert_eq!(menu(&stack(interim)).status, 502, "interim answers without end");
}

#[test]
fn deadlines_hold_on_connections_that_were_used_before() {
    let upstream = Upstream::start(|heard| match heard.turn {
        0 | 1 => Act::Answer(ok(b"quick", "")),
        _ => Act::Late(Duration::from_secs(8), ok(b"late", "")),
    });
    let stack = stack(upstream.address);
    assert_eq!(menu(&stack).text(), "quick");
    wait(300);
    assert_eq!(menu(&stack).text(), "quick");
    let begun = Instant::now();
    assert_eq!(menu(&stack).status, 504);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(480) && took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_call_is_repeated_once_and_only_if_it_may_be() {
    let upstream =
        Upstream::start(
            |heard| if heard.connection == 0 && heard.turn == 0 { Act::Answer(ok(b"1", "")) } else { Act::Close },
        );
    let stack = stack(upstream.address);
    assert_eq!(menu(&stack).status, 200);
    assert_eq!(menu(&stack).status, 502);
    assert_eq!(upstream.heard(), 3, "once on the old connection, once on a new one");
    for (method, body) in [("POST", &b"x"[..]), ("POST", b""), ("PUT", b"x")] {
        let upstream = Upstream::start(|heard| if heard.turn == 0 { Act::Answer(ok(b"1", "")) } else { Act::Close });
        let stack = self::stack(upstream.address);
        assert_eq!(menu(&stack).status, 200);
        let reply = stack.call(method, "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], body);
        assert_eq!((reply.status, upstream.heard()), (502, 2), "{method} {body:?} was sent twice");
    }
}

#[test]
fn an_answer_that_starts_is_never_asked_for_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let address = raw_upstream(move |mut stream, _| {
        for turn in 0.. {
            if read_head(&mut stream).is_none() {
                return;
            }
            counter.fetch_add(1, Ordering::SeqCst);
            if turn > 0 {
                let _gone = stream.write_all(b"HTTP/1.1 200 O");
                return;
            }
            let _gone = stream.write_all(&ok(b"first", ""));
        }
    });
    let stack = stack(address);
    assert_eq!(menu(&stack).status, 200);
    assert_eq!(menu(&stack).status, 502);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn an_upstream_may_refuse_a_body_early() {
    for close in [false, true] {
        let address = raw_upstream(move |mut stream, _| {
            if read_head(&mut stream).is_some() {
                let _gone = stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 7\r\n\r\ntoo big");
                if !close {
                    // It neither reads nor closes.
                    wait(3000);
                }
            }
        });
        let stack = stack(address);
        let mut client = TcpStream::connect(stack.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!(
            "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Length: 50000000\r\n\r\n",
            bearer().1
        );
        client.write_all(head.as_bytes()).unwrap();
        client.write_all(&[b'x'; 1000]).unwrap();
        let reply = read_reply(&mut client).expect("the refusal, long before the body is sent");
        assert_eq!((reply.status, reply.text().as_str()), (413, "too big"), "close: {close}");
        assert_eq!(menu_connections(&stack), 1, "a connection with half a request is not used again");
    }
}

fn menu_connections(stack: &Stack) -> u64 {
    let metrics = stack.handle.metrics();
    metrics.upstream_connections + metrics.upstream_reuses
}

/// Echoes a chunked body while it arrives: answer and request are under way at the same time.
#[test]
fn answers_and_requests_stream_at_the_same_time() {
    let address = raw_upstream(|mut stream, _| {
        let Some(mut rest) = read_head(&mut stream) else { return };
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        // The request's chunks are passed back as they are.
        let mut buffer = [0; 16 * 1024];
        while !rest.ends_with(b"\r\n0\r\n\r\n") {
            let _gone = stream.write_all(&rest);
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(n) => rest = buffer[..n].to_vec(),
            }
        }
        let _gone = stream.write_all(&rest);
    });
    let stack = stack(address);
    let mut client = TcpStream::connect(stack.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        bearer().1
    );
    client.write_all(head.as_bytes()).unwrap();
    let mut writer = client.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        for _ in 0..1000 {
            writer.write_all(b"2000\r\n").unwrap();
            writer.write_all(&[b'z'; 0x2000]).unwrap();
            writer.write_all(b"\r\n").unwrap();
        }
        writer.write_all(b"0\r\n\r\n").unwrap();
    });
    let reply = read_reply(&mut client).expect("an answer");
    sending.join().unwrap();
    assert_eq!((reply.status, reply.body.len()), (200, 1000 * 0x2000));
}

/// How much both sides' sockets may hold besides the gateway.
const BUFFERS: usize = 48 * 1024 * 1024;

#[test]
fn a_client_that_does_not_read_stops_the_upstream() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let address = raw_upstream(move |mut stream, _| {
        if read_head(&mut stream).is_some() {
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            while stream.write_all(&[b'x'; 64 * 1024]).is_ok() {
                counter.fetch_add(64 * 1024, Ordering::SeqCst);
            }
        }
    });
    let stack = stack(address);
    let mut client = TcpStream::connect(stack.address()).unwrap();
    let request = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
    client.write_all(request.as_bytes()).unwrap();
    until("the answer starts", || sent.load(Ordering::SeqCst) > 0);
    wait(700);
    let before = sent.load(Ordering::SeqCst);
    wait(300);
    assert!(before == sent.load(Ordering::SeqCst) && before < BUFFERS, "{before} bytes and growing");
}

#[test]
fn an_upstream_that_does_not_read_stops_the_client() {
    let address = raw_upstream(|mut stream, _| {
        if read_head(&mut stream).is_some() {
            wait(3000);
        }
    });
    let stack = Stack::start(address);
    let mut client = TcpStream::connect(stack.address()).unwrap();
    client.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let head = format!(
        "POST /pizza/1.0.0/order HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Length: 60000000\r\n\r\n",
        bearer().1
    );
    client.write_all(head.as_bytes()).unwrap();
    let mut sent = 0;
    while sent < BUFFERS {
        match client.write(&[b'x'; 64 * 1024]) {
            Ok(n) => sent += n,
            Err(error) => {
                let kind = error.kind();
                assert!(matches!(kind, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{error}");
                return;
            }
        }
    }
    panic!("{sent} bytes went somewhere");
}
