//! TLS, HTTP/2 and what an HTTPS answer carries.

use crate::platform::*;
use gateway::Listener;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

pub(crate) struct Pair {
    pub(crate) server: Arc<rustls::ServerConfig>,
    pub(crate) root: CertificateDer<'static>,
}

pub(crate) fn pair() -> Pair {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    let root = certificate.der().clone();
    let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![root.clone()], der)
        .unwrap();
    Pair { server: Arc::new(server), root }
}

pub(crate) fn client(root: &CertificateDer<'static>, alpn: &[&[u8]]) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    Arc::new(config)
}

fn https(address: SocketAddr, config: Arc<rustls::ClientConfig>, request: &str) -> Option<Reply> {
    let session = rustls::ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = rustls::StreamOwned::new(session, TcpStream::connect(address).unwrap());
    stream.write_all(request.as_bytes()).ok()?;
    read_reply(&mut stream)
}

fn start(pair: &Pair, upstream: SocketAddr) -> Stack {
    let server = Arc::clone(&pair.server);
    let address = "127.0.0.1:0".parse().unwrap();
    Stack::with(upstream, |s| s.listeners = vec![Listener { address, tls: Some(server) }], |_| ())
}

#[test]
fn https_answers_carry_hsts_and_no_names() {
    let (pair, upstream) = (pair(), Upstream::echo());
    let stack = start(&pair, upstream.address);
    let request = |path: &str| {
        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
        https(stack.address(), client(&pair.root, &[b"http/1.1"]), &text).unwrap()
    };
    for path in ["/pizza/1.0.0/menu", "/none", "/a//b"] {
        let reply = request(path);
        assert_eq!(reply.header("strict-transport-security"), Some("max-age=31536000"), "{path}");
        for (name, value) in &reply.headers {
            let text = format!("{name}: {value}").to_lowercase();
            assert!(!text.contains("portcullis") && !text.contains("hyper") && !text.starts_with("server"), "{text}");
        }
    }
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    assert_eq!(log.records()[0]["tls"], "TLSv1.3 TLS13_AES_256_GCM_SHA384");
}

#[test]
fn an_api_that_names_no_transport_is_served_over_tls_only() {
    let (pair, upstream) = (pair(), Upstream::echo());
    let mut stack = start(&pair, upstream.address);
    let text = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
    for (http, https_too, status) in [(false, false, 200), (true, false, 403), (false, true, 200), (true, true, 200)] {
        stack.publish(|s| edit(s, |api| api.transports = model::snapshot::Transports { http, https: https_too }));
        let reply = https(stack.address(), client(&pair.root, &[b"http/1.1"]), &text).unwrap();
        assert_eq!(reply.status, status, "http {http}, https {https_too}");
    }
}

#[test]
fn an_upstreams_own_hsts_stays() {
    let pair = pair();
    let upstream = Upstream::start(|_| Act::Answer(ok(b"", "Strict-Transport-Security: max-age=5\r\n")));
    let stack = start(&pair, upstream.address);
    let text = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
    let reply = https(stack.address(), client(&pair.root, &[]), &text).unwrap();
    assert_eq!(reply.header("strict-transport-security"), Some("max-age=5"));
}

#[test]
fn plain_http_on_the_tls_port_gets_nothing() {
    let (pair, upstream) = (pair(), Upstream::echo());
    let stack = start(&pair, upstream.address);
    let reply = send(stack.address(), b"GET /pizza/1.0.0/open HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(reply.is_none());
    assert_eq!(upstream.heard(), 0);
}

#[test]
fn http2_serves_many_streams_of_one_connection() {
    let (pair, upstream) = (pair(), Upstream::echo());
    let stack = start(&pair, upstream.address);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let tcp = tokio::net::TcpStream::connect(stack.address()).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(client(&pair.root, &[b"h2"]));
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = |path: &str, host: Option<&str>| {
            let mut builder =
                http::Request::get(format!("https://localhost{path}")).header("authorization", bearer().1);
            if let Some(host) = host {
                builder = builder.header("host", host);
            }
            builder.body(Empty::<bytes::Bytes>::new()).unwrap()
        };
        let calls: Vec<_> =
            (0..50).map(|n| sender.send_request(request(&format!("/pizza/1.0.0/order/{n}"), None))).collect();
        for (n, call) in calls.into_iter().enumerate() {
            let response = call.await.unwrap();
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(format!("GET /base/order/{n} HTTP/1.1").as_bytes()), "{body:?}");
        }
        let forged = sender.send_request(request("/pizza/1.0.0/menu", Some("evil"))).await.unwrap();
        assert_eq!(forged.status(), 400, "Host disagrees with :authority");
        let dots = sender.send_request(request("/pizza/1.0.0/open/%2e%2e/menu", None)).await.unwrap();
        assert_eq!(dots.status(), 400);
    });
}

#[test]
fn an_upstream_with_an_unknown_certificate_is_not_trusted() {
    let pair = pair();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Arc::clone(&pair.server);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let session = rustls::ServerConnection::new(Arc::clone(&server)).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream);
            let mut buffer = [0; 4096];
            if std::io::Read::read(&mut stream, &mut buffer).is_ok() {
                let _gone = stream.write_all(&ok(b"over TLS", "Connection: close\r\n"));
            }
        }
    });
    let target = vec![format!("https://localhost:{}", address.port())];
    let call = |roots| {
        let targets = target.clone();
        let tls = gateway::upstream_tls(roots).unwrap();
        let stack = Stack::with(
            address,
            |s| {
                s.upstream_tls = tls;
                s.egress.allowed.push(model::AllowedNetwork { network: "::1/128".parse().unwrap(), port: None });
            },
            |s| edit(s, |api| api.production.as_mut().unwrap().targets = targets),
        );
        let reply = stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]);
        (reply.status, reply.text())
    };
    assert_eq!(call(Vec::new()).0, 502);
    assert_eq!(call(vec![pair.root.clone()]), (200, "over TLS".into()));
}

#[test]
fn connections_to_upstreams_over_tls_are_kept_and_carry_large_bodies() {
    let pair = pair();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Arc::clone(&pair.server);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let session = rustls::ServerConnection::new(Arc::clone(&server)).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream);
            // Answers each body with itself.
            while let Some(request) = read_request(&mut stream) {
                if stream.write_all(&ok(&request, "")).is_err() {
                    break;
                }
            }
        }
    });
    let target = vec![format!("https://localhost:{}", address.port())];
    let tls = gateway::upstream_tls(vec![pair.root.clone()]).unwrap();
    let stack = Stack::with(
        address,
        |s| {
            s.workers = 1;
            s.upstream_tls = tls;
            s.egress = model::EgressRules::with_networks(["127.0.0.0/8", "::1/128"].map(|n| n.parse().unwrap()));
        },
        |s| edit(s, |api| api.production.as_mut().unwrap().targets = target),
    );
    for size in [1, 5_000, 20_000, 3_000_000, 1] {
        let body = vec![b'b'; size];
        let reply = stack.call("POST", "/pizza/1.0.0/order", &[("Authorization", &bearer().1)], &body);
        assert_eq!((reply.status, reply.body.len()), (200, size));
    }
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]).status, 200);
    let metrics = stack.handle.metrics();
    assert_eq!((metrics.upstream_connections, metrics.upstream_reuses), (1, 5));
}

/// The body of one request with a length; `None` when the connection ended.
fn read_request(stream: &mut impl std::io::Read) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(bytes.split_off(end + 4));
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

#[test]
fn cancelled_streams_leave_nothing_behind() {
    let pair = pair();
    let upstream = Upstream::start(|_| Act::Late(std::time::Duration::from_millis(50), ok(b"late", "")));
    let stack = start(&pair, upstream.address);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sent = runtime.block_on(async {
        let tcp = tokio::net::TcpStream::connect(stack.address()).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(client(&pair.root, &[b"h2"]));
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut sent = 0;
        for _ in 0..2000 {
            if sender.ready().await.is_err() {
                // The gateway has had enough of it, which is as good.
                break;
            }
            let request = http::Request::get("https://localhost/pizza/1.0.0/menu")
                .header("authorization", bearer().1)
                .body(Empty::<bytes::Bytes>::new())
                .unwrap();
            let call = sender.send_request(request);
            tokio::task::yield_now().await;
            drop(call);
            sent += 1;
        }
        sent
    });
    assert!(sent > 20, "{sent}");
    let text = format!("GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n", bearer().1);
    assert_eq!(https(stack.address(), client(&pair.root, &[]), &text).unwrap().status, 200);
    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    let records = log.records();
    assert!(records.len() <= sent + 1);
    assert!(records.iter().any(|r| r["complete"] == false), "cancelled calls are in the log too");
}
