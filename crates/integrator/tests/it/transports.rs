//! What clients may send, well-behaved and hostile.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::backend::Backend;
use crate::harness::{Running, Wanted, api, raw};

async fn echo() -> Running {
    Running::start(&[("api/t.xml", api("<respond/>"))]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_and_paths() {
    let resource = |methods: &str, mapping: &str, status: u16| {
        format!(
            "<resource methods=\"{methods}\" {mapping}><inSequence><property name=\"HTTP_SC\" value=\"{status}\" scope=\"axis2\"/>\
             <respond/></inSequence></resource>"
        )
    };
    let text = format!(
        "<api @NS name=\"a\" context=\"/a\" version=\"1.0\" version-type=\"url\">{}{}{}</api>",
        resource("GET", "uri-template=\"/b/{c}\"", 201),
        resource("POST", "url-mapping=\"/b/*\"", 203),
        resource("GET", "uri-template=\"/b/{c}/d?e={f}\"", 206),
    );
    let running = Running::start(&[("api/a.xml", text)]).await;
    for (method, target, status) in [
        ("GET", "/a/1.0/b/x", 201),
        ("POST", "/a/1.0/b/x", 203),
        ("GET", "/a/1.0/b/x/d?e=1", 206),
        ("DELETE", "/a/1.0/b/x", 405),
        ("OPTIONS", "/a/1.0/b/x", 200),
        ("GET", "/a/2.0/b/x", 404),
        ("GET", "/a/1.0", 404),
        ("GET", "/ab/1.0/b/x", 404),
        ("TRACE", "/a/1.0/b/x", 405),
        ("GET", "/a/1.0/b/../b/x", 400),
        ("GET", "/a/1.0/b/%2e%2e/x", 400),
        ("GET", "/", 404),
    ] {
        let answer = running.send(method, target, &[], b"").await;
        assert_eq!(answer.status, status, "{method} {target}: {}", answer.body);
        if status == 405 && method == "DELETE" {
            assert_eq!(answer.header("allow"), Some("GET, POST"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_no_client_sends() {
    let running = echo().await;
    for (bytes, status) in [
        (&b"GET /t HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"[..], 400),
        (b"GET /t HTTP/9.9\r\nHost: a\r\n\r\n", 400),
        (b"POST /t HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /t HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"POST /t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nZZ\r\n", 400),
        (b"POST /t HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n", 413),
        (b"POST /t HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", 415),
        (b"POST /t HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", 400),
        (b"POST /t HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200),
    ] {
        let answer = raw(running.address, bytes).await;
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(bytes));
    }
    let long = format!("GET /t HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    assert_eq!(raw(running.address, long.as_bytes()).await.status, 431);
    let many = format!("GET /t HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(500));
    assert_eq!(raw(running.address, many.as_bytes()).await.status, 431);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_bounded_in_size_memory_and_time() {
    let wanted = Wanted {
        settings: Box::new(|settings| {
            settings.limits.request_body = 100_000;
            settings.limits.bodies = 150 << 10;
            settings.limits.body_pause = Duration::from_millis(300);
        }),
        ..Wanted::default()
    };
    let running = Running::with(&[("api/t.xml", api("<respond/>"))], wanted).await;
    let body = "x".repeat(100_000);
    assert_eq!(running.post("/t", "text/plain", &body).await.body.len(), 100_000);
    assert_eq!(running.post("/t", "text/plain", &format!("{body}x")).await.status, 413);
    let chunked = format!(
        "POST /t HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        format!("1000\r\n{}\r\n", "x".repeat(0x1000)).repeat(40)
    );
    assert_eq!(raw(running.address, chunked.as_bytes()).await.status, 413);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![b'x'; 10 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    let answer =
        running.send("POST", "/t", &[("Content-Encoding", "gzip"), ("Content-Type", "text/plain")], &bomb).await;
    assert_eq!(answer.status, 413);
    // One that stops sending is let go, with the memory that was kept for it.
    let mut stalled = TcpStream::connect(running.address).await.unwrap();
    let head = format!("POST /t HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n{}", "x".repeat(80_000));
    stalled.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(running.post("/t", "text/plain", &body).await.status, 503);
    let mut answer = Vec::new();
    stalled.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(running.post("/t", "text/plain", &body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_messages_are_refused_and_the_answer_has_its_time() {
    let backend = Backend::start().await;
    let slow = format!(
        "<call><endpoint><http method=\"get\" uri-template=\"http://{}/slow/1500\"/></endpoint></call><respond/>",
        backend.address()
    );
    let wanted = Wanted {
        settings: Box::new(|settings| {
            settings.limits.exchanges = 2;
            settings.limits.exchange_time = Duration::from_millis(800);
        }),
        ..Wanted::default()
    };
    let running = Running::with(&[("api/t.xml", api(&slow))], wanted).await;
    let address = running.address;
    let asked: Vec<_> = (0..2)
        .map(|_| tokio::spawn(async move { crate::harness::request(address, "GET", "/t", &[], b"").await.status }))
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(running.get("/t").await.status, 503);
    for asked in asked {
        assert_eq!(asked.await.unwrap(), 504);
    }
    // What was begun goes on to its end, and then there is place again.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(running.get("/t").await.status, 504);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_on_when_its_client_leaves_and_behind_its_answer() {
    let backend = Backend::start().await;
    let flow = format!(
        "<call><endpoint><http method=\"get\" uri-template=\"http://{0}/slow/300\"/></endpoint></call>\
         <call><endpoint><http method=\"get\" uri-template=\"http://{0}/count/after\"/></endpoint></call><respond/>",
        backend.address()
    );
    let running = Running::start(&[("api/t.xml", api(&flow))]).await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(b"GET /t HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(client);
    let started = Instant::now();
    while backend.calls("/count/after") == 0 && started.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(backend.calls("/count/after"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greedy_message_leaves_the_others_alone() {
    let greedy = "<script language=\"js\">while (true) {}</script><respond/>";
    let other = api("<respond/>").replace("name=\"t\" context=\"/t\"", "name=\"o\" context=\"/o\"");
    let nested = "<property name=\"a\" expression=\"count(//a[count(//a[count(//a) > 0]) > 0])\"/><respond/>";
    let third = api(nested).replace("name=\"t\" context=\"/t\"", "name=\"n\" context=\"/n\"");
    let running = Running::start(&[("api/t.xml", api(greedy)), ("api/o.xml", other), ("api/n.xml", third)]).await;
    assert!(running.report.refused.is_empty(), "{:?}", running.report);
    let address = running.address;
    let document = format!("<r>{}</r>", "<a/>".repeat(20_000));
    let one = tokio::spawn(async move { crate::harness::request(address, "GET", "/t", &[], b"").await.status });
    let two = tokio::spawn(async move {
        let kind = [("Content-Type", "application/xml")];
        crate::harness::request(address, "POST", "/n", &kind, document.as_bytes()).await.status
    });
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let started = Instant::now();
        assert_eq!(running.get("/o").await.status, 200);
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
    assert_eq!(one.await.unwrap(), 500);
    assert_eq!(two.await.unwrap(), 500);
}
