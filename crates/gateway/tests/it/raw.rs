//! A table of raw HTTP/1 messages with the decision that each gets. After every one of them the same connection carries a
//! probe: either the gateway answers it in step, or the connection is closed. Nothing between.

use crate::platform::*;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a message gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// Forwarded once; the connection goes on.
    Passed,
    /// Forwarded once; the connection ends.
    PassedAndClosed,
    /// Forwarded once; the message behind it is refused with 400.
    PassedThenRefused,
    /// Refused with this status; the connection may go on or end.
    Refused(u16),
    /// No answer at all, the connection ends or waits for more.
    Nothing,
}

use Decision::{Nothing, Passed, PassedAndClosed, PassedThenRefused, Refused};

struct Case {
    name: String,
    raw: Vec<u8>,
    decision: Decision,
}

struct Table(Vec<Case>);

const PATH: &str = "/pizza/1.0.0/any/x";

impl Table {
    fn add(&mut self, name: impl Into<String>, raw: impl Into<Vec<u8>>, decision: Decision) {
        self.0.push(Case { name: name.into(), raw: raw.into(), decision });
    }

    /// A request line in front of a sound rest.
    fn line(&mut self, line: &str, decision: Decision) {
        self.add(format!("line {line:?}"), format!("{line}\r\nHost: localhost\r\n\r\n"), decision);
    }

    /// Fields of a GET without a body.
    fn fields(&mut self, fields: &str, decision: Decision) {
        let raw = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        self.add(format!("fields {:?}", fields.get(..fields.len().min(60))), raw, decision);
    }

    /// Fields of a GET without `Host`.
    fn hosts(&mut self, fields: &str, decision: Decision) {
        self.add(format!("host {fields:?}"), format!("GET {PATH} HTTP/1.1\r\n{fields}\r\n"), decision);
    }

    /// Fields and body of a POST.
    fn post(&mut self, fields: &str, body: &str, decision: Decision) {
        let raw = format!("POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}");
        self.add(format!("post {fields:?} {body:?}"), raw, decision);
    }

    /// A chunked body.
    fn chunked(&mut self, body: &str, decision: Decision) {
        self.post("Transfer-Encoding: chunked\r\n", body, decision);
    }

    fn path(&mut self, path: &str, decision: Decision) {
        let raw = format!("GET /pizza/1.0.0/any{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.add(format!("path {path:?}"), raw, decision);
    }
}

/// What would be taken for a request by whoever loses count.
const SMUGGLED: &str = "GET /pizza/1.0.0/any/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn request_lines(t: &mut Table) {
    t.line(&format!("GET {PATH} HTTP/1.1"), Passed);
    t.line(&format!("GET {PATH} HTTP/1.0"), PassedAndClosed);
    for line in [
        format!("GET  {PATH} HTTP/1.1"),
        format!("GET {PATH}  HTTP/1.1"),
        format!("GET {PATH} HTTP/1.1 "),
        format!("GET\t{PATH}\tHTTP/1.1"),
        format!(" GET {PATH} HTTP/1.1"),
        format!("GET {PATH}"),
        format!("GET {PATH} "),
        format!("GET {PATH} HTTP/0.9"),
        format!("GET {PATH} HTTP/1.2"),
        format!("GET {PATH} HTTP/1.10"),
        format!("GET {PATH} HTTP/2"),
        format!("GET {PATH} HTTP/2.0"),
        format!("GET {PATH} http/1.1"),
        format!("GET {PATH} HTTP/1,1"),
        format!("GET {PATH} HTTP/01.1"),
        format!("GET {PATH} HTTPS/1.1"),
        format!("GET {PATH} ICY/1.1"),
        format!("G\0T {PATH} HTTP/1.1"),
        format!("GET {PATH}\0 HTTP/1.1"),
        format!("GET {PATH}\x7f HTTP/1.1"),
        format!("GET {PATH}\x0b HTTP/1.1"),
        format!("G(T {PATH} HTTP/1.1"),
        format!("GET@ {PATH} HTTP/1.1"),
        "GET".into(),
        "GET HTTP/1.1".into(),
        "GET * HTTP/1.1".into(),
        "GET pizza/1.0.0/any/x HTTP/1.1".into(),
        "GET ftp://localhost/pizza/1.0.0/any/x HTTP/1.1 x".into(),
        "GET http:///pizza/1.0.0/any/x HTTP/1.1".into(),
        "GET //localhost/pizza/1.0.0/any/x HTTP/1.1".into(),
        "PRI * HTTP/2.0".into(),
    ] {
        t.line(&line, Refused(400));
    }
    t.line("get /pizza/1.0.0/any/x HTTP/1.1", Refused(405));
    t.line("TRACE /pizza/1.0.0/any/x HTTP/1.1", Refused(405));
    t.line("CONNECT localhost:80 HTTP/1.1", Refused(405));
    t.line("BREW /pizza/1.0.0/any/x HTTP/1.1", Refused(405));
    t.line("DELETE /pizza/1.0.0/any/x HTTP/1.1", Refused(405));
    t.line(&format!("{} {PATH} HTTP/1.1", "A".repeat(40_000)), Refused(431));
    t.line(&format!("GET {PATH}/{} HTTP/1.1", "a".repeat(9_000)), Refused(414));
    t.add("two empty lines first", format!("\r\n\r\nGET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n"), Passed);
    t.add("a bare CR as the line end", format!("GET {PATH} HTTP/1.1\rHost: localhost\r\r"), Refused(400));
    t.add("nothing but a line end", "\r\n", Nothing);
    t.add("half a head", format!("GET {PATH} HTTP/1.1\r\nHost: local"), Nothing);
}

fn hosts(t: &mut Table) {
    t.hosts("Host: localhost\r\n", Passed);
    t.hosts("HOST:localhost:8243\r\n", Passed);
    t.hosts("Host: [::1]:8243\r\n", Passed);
    for fields in [
        "",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost\r\nhost: evil\r\n",
        "Host: localhost, evil\r\n",
        "Host: localhost evil\r\n",
        "Host: localhost/evil\r\n",
        "Host: user@localhost\r\n",
        "Host: localhost?x\r\n",
        "Host: localhost#x\r\n",
        "Host: local%68ost\r\n",
        "Host: localhost\\evil\r\n",
        "Host: \"localhost\"\r\n",
        "Host: l\u{f6}calhost\r\n",
    ] {
        t.hosts(fields, Refused(400));
    }
    t.hosts("Host : localhost\r\n", Refused(400));
    t.hosts(" Host: localhost\r\n", Refused(400));
    t.add("absolute form agrees", format!("GET http://localhost{PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n"), Passed);
    for target in
        ["http://evil", "http://localhost:1", "https://evil", "http://localhost@evil", "http://evil@localhost"]
    {
        let raw = format!("GET {target}{PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        t.add(format!("absolute form {target}"), raw, Refused(400));
    }
}

fn lengths(t: &mut Table) {
    t.post("Content-Length: 3\r\n", "abc", Passed);
    t.post("Content-Length: 0\r\n", "", Passed);
    t.post("Content-Length: 003\r\n", "abc", Passed);
    t.post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc", Refused(400));
    t.post("Content-Length: 0\r\nContent-Length: 0\r\n", SMUGGLED, Refused(400));
    t.post(&format!("Content-Length:{}3\r\n", " ".repeat(100)), "abc", Refused(400));
    for value in [
        "+3",
        "-3",
        "3 3",
        "3,3",
        "3, 4",
        "0x3",
        "3.0",
        "3e0",
        "three",
        "",
        " ",
        "3;",
        "\"3\"",
        "18446744073709551616",
        "99999999999999999999999999",
        "3\t4",
        "\u{0663}",
        "3_0",
    ] {
        t.post(&format!("Content-Length: {value}\r\n"), "abc", Refused(400));
    }
    t.post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd", Refused(400));
    t.post("Content-Length: 4\r\nContent-Length: 3\r\n", "abcd", Refused(400));
    t.post("Content-Length: 0\r\nContent-Length: 64\r\n", SMUGGLED, Refused(400));
    t.post("Content-Length : 3\r\n", "abc", Refused(400));
    t.post("Content-Length\t: 3\r\n", "abc", Refused(400));
    t.post("Content-Length: 3\r\n 4\r\n", "abc", Refused(400));
    t.post("Content_Length: 3\r\nContent-Length: 3\r\n", "abc", Passed);
    t.post("Content-Length: 67108865\r\n", "abc", Refused(413));
    // Larger than any body can be; the parser says so with the status of a large head.
    t.post("Content-Length: 18446744073709551615\r\n", "abc", Refused(431));
    t.post("Content-Length: 9223372036854775807\r\n", "abc", Refused(413));
    t.post("Content-Length: 10\r\n", "abc", Nothing);
    let get = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    t.add("a GET with a body", get, Passed);
}

fn codings(t: &mut Table) {
    t.chunked("3\r\nabc\r\n0\r\n\r\n", Passed);
    t.post("transfer-encoding:CHUNKED\r\n", "0\r\n\r\n", Passed);
    for value in [
        "xchunked",
        "chunkedx",
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, identity",
        "identity, chunked",
        "chunked, chunked",
        "chunked;q=1",
        "chunked,",
        ", chunked",
        "\"chunked\"",
        "",
        "\x0bchunked",
        "chunked\x0b",
        "chunk ed",
        "chunked\0",
        "\u{212a}chunked",
        "deflate, gzip, chunked",
    ] {
        t.post(&format!("Transfer-Encoding: {value}\r\n"), "0\r\n\r\n", Refused(400));
    }
    t.post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", Refused(400));
    t.post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", Refused(400));
    t.post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n", Refused(400));
    t.post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n", Refused(400));
    t.post(" Transfer-Encoding: chunked\r\n", "0\r\n\r\n", Refused(400));
    t.post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n", Refused(400));
    t.post("X: y\r\nTransfer-Encoding\t: chunked\r\n", "0\r\n\r\n", Refused(400));
    // Whoever believes the length sees another message than whoever believes the coding.
    t.post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", &format!("0\r\n\r\n{SMUGGLED}"), Refused(400));
    t.post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", Refused(400));
    t.post("content-length: 5\r\nTRANSFER-ENCODING:chunked\r\n", "0\r\n\r\n", Refused(400));
    t.post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", &format!("0\r\n\r\n{SMUGGLED}"), Refused(400));
    let old = format!("POST {PATH} HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    t.add("chunked on HTTP/1.0", old, Refused(400));
    t.post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n", Passed);
}

fn chunks(t: &mut Table) {
    for body in [
        "3\r\nabc\r\n0\r\n\r\n",
        "03\r\nabc\r\n0\r\n\r\n",
        "3;a=b\r\nabc\r\n0\r\n\r\n",
        "3;a=\"b c\"\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n00000\r\n\r\n",
        "A\r\n0123456789\r\n0\r\n\r\n",
        "a\r\n0123456789\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n",
        "3\r\nabc\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: gzip\r\n\r\n",
    ] {
        t.chunked(body, Passed);
    }
    for body in [
        "0x3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "g\r\nabc\r\n0\r\n\r\n",
        "\r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "3\rabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nab\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabcX\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "10000000000000000\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "3\0\r\nabc\r\n0\r\n\r\n",
        "3,3\r\nabc\r\n0\r\n\r\n",
        "3_\r\nabc\r\n0\r\n\r\n",
        "\u{0663}\r\nabc\r\n0\r\n\r\n",
        "0\r\nX Trailer: 1\r\n\r\n",
        "0\r\n: 1\r\n\r\n",
        "-1\r\n\r\n",
        "0 x\r\n\r\n",
    ] {
        t.chunked(body, Refused(400));
    }
    t.chunked(&format!("0{}\r\n\r\n", ";a".repeat(20_000)), Refused(400));
    t.chunked(&format!("0\r\n{}\r\n", "X-T: 1\r\n".repeat(5_000)), Refused(400));
    t.chunked("3\r\nabc\r\n", Nothing);
    t.chunked("ffffff\r\nabc", Nothing);
}

fn fields(t: &mut Table) {
    t.fields("X-A: b\r\n", Passed);
    t.fields("X-A:b\r\nX-A:\r\n", Passed);
    t.fields("X-A: \t b \t\r\n", Passed);
    t.fields("X-A: \u{f6}\r\n", Passed);
    for fields in [
        "X-A : b\r\n",
        "X-A\t: b\r\n",
        "X-A\r\n",
        ": b\r\n",
        "X A: b\r\n",
        "X(A): b\r\n",
        "X\"A: b\r\n",
        "X\0A: b\r\n",
        "X-A: b\0c\r\n",
        "X-A: b\rc\r\n",
        "X-A: b\x7fc\r\n",
        "X-A: b\x01c\r\n",
        "X-A: b\r\n folded\r\n",
        "X-A: b\r\n\tfolded\r\n",
        "X-\u{f6}: b\r\n",
        "X-A: b\r\n\rX-B: c\r\n",
    ] {
        t.fields(fields, Refused(400));
    }
    t.fields(&"X-A: b\r\n".repeat(101), Refused(431));
    t.fields(&format!("X-A: {}\r\n", "b".repeat(33_000)), Refused(431));
    t.fields(&format!("Cookie: {}\r\n", "a=b; ".repeat(7_000)), Refused(431));
    // A line that ends with LF alone is a line for some parsers only.
    t.add("bare LF in the head", format!("GET {PATH} HTTP/1.1\nHost: localhost\n\n"), Refused(400));
    t.add("bare LF behind the request line", format!("GET {PATH} HTTP/1.1\nHost: localhost\r\n\r\n"), Refused(400));
    t.add("bare LF as the end of the head", format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\n"), Refused(400));
    t.fields("X-A: b\nX-B: c\r\n", Refused(400));
    t.fields("X-A: b\r\n\nX-B: c\r\n", Refused(400));
    t.fields("Connection: close\r\n", PassedAndClosed);
    t.fields("Connection: Host\r\n", Passed);
    t.fields("Connection: Transfer-Encoding, Content-Length\r\n", Passed);
    t.fields("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", Passed);
    t.fields("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", Passed);
    t.post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc", Passed);
    t.post("Expect: something\r\nContent-Length: 3\r\n", "abc", Refused(417));
}

fn paths(t: &mut Table) {
    for path in ["/a", "/a/", "/%41", "/a%20b", "/~a", "/a=b&c", "/a:b@c", "/a?x=/../y", "/a?x=%2e%2e", "/a?%00"] {
        t.path(path, Passed);
    }
    for path in [
        "/..",
        "/../x",
        "/./x",
        "/%2e%2e/x",
        "/.%2E/x",
        "/%2e/x",
        "//x",
        "/x//y",
        "/%2fx",
        "/x%2Fy",
        "/x%5Cy",
        "/x\\y",
        "/x;y",
        "/x%3by",
        "/%00",
        "/x%0d%0aX-A:b",
        "/%",
        "/%4",
        "/%zz",
        "/%c0%ae%c0%ae/x",
        "/%252e%252e/x",
        "/\u{f6}",
        "/x\u{2025}/y",
        "/%ff",
        "/x|y\"",
        "/x?\u{f6}",
        "/x?a b",
    ] {
        t.path(path, Refused(400));
    }
}

fn pipelines(t: &mut Table) {
    let good = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    t.add(
        "a body that looks like a request",
        format!("POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{SMUGGLED}", SMUGGLED.len()),
        Passed,
    );
    t.add("a chunk that looks like a request", format!("POST {PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len()), Passed);
    t.add(
        "a field that looks like a request",
        format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\nX: \r\n {SMUGGLED}"),
        Refused(400),
    );
    t.add(
        "a refused body that looks like a request",
        format!("DELETE {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{SMUGGLED}", SMUGGLED.len()),
        Refused(405),
    );
    for second in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "X: y\nZ: z\r\n\r\n",
    ] {
        let raw = format!("{good}POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{second}{SMUGGLED}");
        t.add(format!("a doubtful second message {second:?}"), raw, PassedThenRefused);
    }
    t.add("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), Refused(400));
    t.add("an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Nothing);
    t.add("a PROXY line", format!("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n{good}"), Refused(400));
    t.add("an SMTP greeting", "EHLO localhost\r\n\r\n", Refused(400));
    t.add("only NULs", vec![0; 64], Refused(400));
}

fn table() -> Vec<Case> {
    let mut table = Table(Vec::new());
    for part in [request_lines, hosts, lengths, codings, chunks, fields, paths, pipelines] {
        part(&mut table);
    }
    table.0
}

/// The status of the next answer; `left` is what came behind the one before. Two answers may come in one piece.
fn next_status(stream: &mut TcpStream, left: &mut Vec<u8>) -> Option<u16> {
    let held = std::mem::take(left);
    let mut reply = read_reply(&mut held.as_slice().chain(stream))?;
    let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
    *left = reply.body.split_off(length.min(reply.body.len()));
    Some(reply.status)
}

/// The statuses of all answers until the connection ends or says nothing for a while; whether it ended.
fn converse(address: SocketAddr, raw: &[u8], decision: Decision) -> (Vec<u16>, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    // Where an answer has to come, the machine may take its time.
    let patience = if decision == Nothing { 400 } else { 10_000 };
    stream.set_read_timeout(Some(Duration::from_millis(patience))).unwrap();
    let _closed_early = stream.write_all(raw);
    let mut statuses = Vec::new();
    let mut left = Vec::new();
    if let Some(status) = next_status(&mut stream, &mut left) {
        let after = if status == 100 { next_status(&mut stream, &mut left) } else { Some(status) };
        statuses.extend(after);
    }
    if statuses.is_empty() {
        let ended = matches!(stream.read(&mut [0; 1]), Ok(0));
        return (statuses, ended);
    }
    if decision == PassedThenRefused {
        // Nothing more is sent: bytes that nobody reads would make the system throw the second answer away.
        statuses.extend(next_status(&mut stream, &mut left));
        return (statuses, matches!(stream.read(&mut [0; 1]), Ok(0)));
    }
    // The probe: what the gateway takes for the start of the next message must be ours.
    let probe = b"GET /pizza/1.0.0/any/probe HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let sent = stream.write_all(probe);
    match next_status(&mut stream, &mut left) {
        Some(status) if sent.is_ok() => {
            statuses.push(status);
            (statuses, false)
        }
        _ => (statuses, true),
    }
}

#[test]
fn every_raw_message_gets_its_decision() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heads);
    let upstream = Upstream::start(move |heard| {
        told.lock().unwrap().push(heard.head.clone());
        Act::Answer(ok(b"ok", ""))
    });
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            edit(snapshot, |api| {
                api.resources = ["GET", "POST"].map(|verb| resource(verb, "/any/*")).into();
                api.resources.iter_mut().for_each(|resource| resource.authenticated = false);
            });
        },
    );
    let cases = table();
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        heads.lock().unwrap().clear();
        let (statuses, ended) = converse(stack.address(), &case.raw, case.decision);
        let heads = heads.lock().unwrap().clone();
        let probed = heads.iter().any(|head| head.starts_with("GET /base/any/probe "));
        let passed = heads.iter().filter(|head| !head.starts_with("GET /base/any/probe ")).count();
        let in_step = match case.decision {
            Passed => statuses == [200, 200] && probed && passed == 1,
            PassedAndClosed => statuses == [200] && ended && !probed && passed == 1,
            PassedThenRefused => statuses == [200, 400] && ended && passed == 1,
            Refused(status) => {
                // In step the probe is answered with 200; otherwise there is no second answer.
                statuses.first() == Some(&status) && passed == 0 && (ended || statuses.get(1) == Some(&200))
            }
            Nothing => statuses.is_empty() && passed == 0,
        };
        if !in_step || heads.iter().any(|head| head.contains("smuggled")) {
            wrong.push(format!("{}: {:?}, got {statuses:?}, ended {ended}, passed {passed}", case.name, case.decision));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} cases", cases.len());
}
