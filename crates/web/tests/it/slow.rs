//! Silent, dripping and greedy peers: each connection costs a bounded time.

use crate::routes::router;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use web::{ListenerLimits, serve_tls};

struct Server {
    address: std::net::SocketAddr,
    roots: rustls::RootCertStore,
    _stop: watch::Sender<bool>,
}

async fn server(limits: ListenerLimits) -> Server {
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let chain = vec![CertificateDer::from(certificate.cert.der().to_vec())];
    let key = PrivateKeyDer::try_from(certificate.signing_key.serialize_der()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(chain[0].clone()).unwrap();
    let mut config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(serve_tls(listener, Arc::new(move || Arc::clone(&config)), router(), limits, stopped));
    Server { address, roots, _stop: stop }
}

impl Server {
    async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        let mut config =
            rustls::ClientConfig::builder().with_root_certificates(self.roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

fn limits() -> ListenerLimits {
    let short = Duration::from_millis(300);
    ListenerLimits { idle: short, head: short, drain: short, ..ListenerLimits::default() }
}

/// Until the server closes; what it said meanwhile.
async fn until_closed(mut stream: TlsStream<TcpStream>) -> String {
    let mut said = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said)).await;
    assert!(closed.is_ok(), "the connection is still open after 5 s");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_silent_connection_is_closed_in_both_protocols() {
    let server = server(limits()).await;
    for protocol in ["http/1.1", "h2"] {
        until_closed(server.connect(protocol).await).await;
    }
    let mut http2 = server.connect("h2").await;
    http2.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    until_closed(http2).await;
}

#[tokio::test]
async fn a_connection_is_closed_after_its_last_request() {
    let server = server(limits()).await;
    let mut stream = server.connect("http/1.1").await;
    stream.write_all(b"GET /oauth2/jwks HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(until_closed(stream).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn one_address_cannot_take_every_place() {
    let server = server(ListenerLimits { connections_per_address: 2, ..ListenerLimits::default() }).await;
    let first = server.connect("http/1.1").await;
    let _second = server.connect("http/1.1").await;
    let mut third = TcpStream::connect(server.address).await.unwrap();
    let mut byte = [0; 1];
    let read = tokio::time::timeout(Duration::from_secs(5), third.read(&mut byte)).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "the third connection was served");
    drop(first);
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let mut again = TcpStream::connect(server.address).await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(100), again.read(&mut byte)).await;
        if waited.is_err() {
            break;
        }
        assert!(Instant::now() < deadline, "a place that became free is not given");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dripping_body_is_given_up() {
    use http_body_util::StreamBody;
    use tower::ServiceExt;
    let drip = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, std::convert::Infallible>(http_body::Frame::data(bytes::Bytes::from_static(b"x"))), ()))
    });
    let request = http::Request::get("/oauth2/jwks").body(axum::body::Body::new(StreamBody::new(drip))).unwrap();
    let started = Instant::now();
    let response = router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), http::StatusCode::REQUEST_TIMEOUT);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
