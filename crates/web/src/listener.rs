//! Serving a router over TLS and over the UNIX socket, with every wait and size bounded.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::route::{finish, tenant_paths};
use crate::{LocalPeer, PeerAddress, PeerCertificate};

/// Bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// Connections at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Connections at once of one address (IPv6: of one /64 network); further ones are closed.
    pub connections_per_address: usize,
    /// Until the TLS handshake must be complete.
    pub handshake: Duration,
    /// Until a request head must be complete.
    pub head: Duration,
    /// How long a connection may be open without a request.
    pub idle: Duration,
    /// Largest request head, bytes (guideline X06: at least 32 KiB for long tokens).
    pub head_bytes: usize,
    /// How long open requests may take to finish when the listener stops.
    pub drain: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 256,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            head_bytes: 64 * 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// Where the current TLS configuration comes from, asked for each connection so that certificates can change.
pub type TlsSource = Arc<dyn Fn() -> Arc<rustls::ServerConfig> + Send + Sync>;

/// Whether an authority that the listener trusts stands for the certificate chain of a client.
pub type CertificateTrust = Arc<dyn Fn(&[CertificateDer<'_>]) -> bool + Send + Sync>;

/// Serves until `stop` turns true, then lets open requests finish within the drain time.
pub async fn serve_tls(
    listener: TcpListener,
    tls: TlsSource,
    router: Router,
    limits: ListenerLimits,
    stop: watch::Receiver<bool>,
) {
    serve_tls_with_clients(listener, tls, Arc::new(|_| false), router, limits, stop).await;
}

/// As [`serve_tls`], for a listener that asks clients for certificates: handlers see them in
/// [`Call::peer_certificate`](crate::Call::peer_certificate).
pub async fn serve_tls_with_clients(
    listener: TcpListener,
    tls: TlsSource,
    trust: CertificateTrust,
    router: Router,
    limits: ListenerLimits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let addresses = Arc::new(Addresses::default());
    loop {
        let Some((stream, peer, held)) = next(&listener, &places, &addresses, limits, &mut stop).await else { break };
        let acceptor = TlsAcceptor::from(tls());
        let (router, stop, trust) = (router.clone(), stop.clone(), Arc::clone(&trust));
        tokio::spawn(async move {
            let _held = held;
            if let Ok(Ok(stream)) = tokio::time::timeout(limits.handshake, acceptor.accept(stream)).await {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| {
                    let der = chain.first()?.as_ref().into();
                    Some(PeerCertificate { der, trusted: trust(chain) })
                });
                let origin = Origin::Network(PeerAddress(peer), certificate);
                serve_connection(stream, is_http2, routed(router, origin), limits, stop).await;
            }
        });
    }
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(limits.drain, places.acquire_many(all)).await;
}

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

/// Serves traffic that is not the management side's: no router, no tenant paths, no fields added to answers. Without
/// `tls` it is plain HTTP/1.1.
pub async fn serve_traffic<H, F, B>(
    listener: TcpListener,
    tls: Option<TlsSource>,
    handler: H,
    limits: ListenerLimits,
    mut stop: watch::Receiver<bool>,
) where
    H: Fn(http::Request<Incoming>, Arrived) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = http::Response<B>> + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let addresses = Arc::new(Addresses::default());
    loop {
        let Some((stream, peer, held)) = next(&listener, &places, &addresses, limits, &mut stop).await else { break };
        let acceptor = tls.as_ref().map(|tls| TlsAcceptor::from(tls()));
        let (handler, stop) = (handler.clone(), stop.clone());
        tokio::spawn(async move {
            let _held = held;
            let arrived = Arrived { peer, secure: acceptor.is_some() };
            let handler = move |request| handler(request, arrived);
            match acceptor {
                None => serve_connection(stream, false, handler, limits, stop).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(limits.handshake, acceptor.accept(stream)).await {
                        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        serve_connection(stream, is_http2, handler, limits, stop).await;
                    }
                }
            }
        });
    }
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(limits.drain, places.acquire_many(all)).await;
}

/// The next connection that has a place; none once the listener stops.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    addresses: &Arc<Addresses>,
    limits: ListenerLimits,
    stop: &mut watch::Receiver<bool>,
) -> Option<(TcpStream, SocketAddr, (OwnedSemaphorePermit, Share))> {
    loop {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return None,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors: waiting lets connections end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(share) = addresses.enter(peer.ip(), limits.connections_per_address) else { continue };
        let _ = stream.set_nodelay(true);
        return Some((stream, peer, (place, share)));
    }
}

/// Serves the same router to processes of this server's own user, over the UNIX socket at `path`.
///
/// The socket file is in a directory of mode 0700; besides, the kernel tells who is at the other end.
pub async fn serve_unix(
    listener: UnixListener,
    owner: u32,
    path: &Path,
    router: Router,
    limits: ListenerLimits,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(credentials) = stream.peer_cred() else { continue };
        if credentials.uid() != owner {
            tracing::warn!(uid = credentials.uid(), socket = %path.display(), "refused a local connection of another user");
            continue;
        }
        let peer = LocalPeer { uid: credentials.uid(), pid: credentials.pid() };
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(serve_connection(stream, false, routed(router, Origin::Local(peer)), limits, stop));
    }
}

/// How many connections each address has open.
#[derive(Default)]
struct Addresses {
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One open connection of an address, counted until it is dropped.
struct Share {
    addresses: Arc<Addresses>,
    key: IpAddr,
}

impl Addresses {
    fn enter(self: &Arc<Self>, address: IpAddr, cap: usize) -> Option<Share> {
        let key = match address.to_canonical() {
            // A household or a server has a whole /64.
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
            v4 => v4,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_default();
        if *count >= cap {
            return None;
        }
        *count += 1;
        Some(Share { addresses: Arc::clone(self), key })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[derive(Clone)]
enum Origin {
    Network(PeerAddress, Option<PeerCertificate>),
    Local(LocalPeer),
}

/// Whether a connection is in use.
struct Activity {
    requests: AtomicUsize,
    last: Mutex<Instant>,
}

impl Activity {
    fn new() -> Arc<Self> {
        Arc::new(Self { requests: AtomicUsize::new(0), last: Mutex::new(Instant::now()) })
    }

    /// When the connection has been without a request for this long; `None` while it has one.
    fn deadline(&self, idle: Duration) -> Option<Instant> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        (self.requests.load(Ordering::Relaxed) == 0).then_some(last + idle)
    }
}

/// A request under way; its end is noted also when the client goes away in the middle.
struct UnderWay(Arc<Activity>);

impl UnderWay {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.requests.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one connection. The protocol is the one that TLS agreed on, so nothing is guessed from the first bytes,
/// which a silent peer would never send.
fn serve_connection<T, H, F, B>(
    stream: T,
    is_http2: bool,
    handler: H,
    limits: ListenerLimits,
    stop: watch::Receiver<bool>,
) -> Pin<Box<dyn Future<Output = ()> + Send>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(http::Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = http::Response<B>> + Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Box::pin(async move {
        let activity = Activity::new();
        let noted = Arc::clone(&activity);
        let service = service_fn(move |request: http::Request<Incoming>| {
            let under_way = UnderWay::begin(&noted);
            let response = handler(request);
            async move {
                let response = response.await;
                drop(under_way);
                Ok::<_, Infallible>(response)
            }
        });
        let head_bytes = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
        if is_http2 {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(100)
                .max_header_list_size(head_bytes)
                .keep_alive_interval(Some(Duration::from_secs(30)))
                .max_pending_accept_reset_streams(Some(20))
                .max_local_error_reset_streams(Some(100))
                .serve_connection(TokioIo::new(stream), service);
            drive(connection, Arc::clone(&activity), limits, stop).await;
        } else {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head)
                .max_buf_size(limits.head_bytes.max(8192))
                .max_headers(100)
                .serve_connection(TokioIo::new(stream), service);
            drive(connection, Arc::clone(&activity), limits, stop).await;
        }
    })
}

/// Runs a connection until it ends, is idle for too long, or the listener stops.
async fn drive<C: GracefulConnection>(
    connection: C,
    activity: Arc<Activity>,
    limits: ListenerLimits,
    mut stop: watch::Receiver<bool>,
) {
    tokio::pin!(connection);
    loop {
        // A request under way is looked at again after a while; its own bounds end it.
        let look = activity.deadline(limits.idle).unwrap_or_else(|| Instant::now() + limits.idle);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|stopped| *stopped) => break,
            () = tokio::time::sleep_until(look) => {}
        }
        if activity.deadline(limits.idle).is_some_and(|deadline| deadline <= Instant::now()) {
            break;
        }
    }
    GracefulConnection::graceful_shutdown(Pin::as_mut(&mut connection));
    let _ = tokio::time::timeout(limits.drain, connection).await;
}

/// A router as the handler of a connection.
fn routed(
    router: Router,
    origin: Origin,
) -> impl Fn(http::Request<Incoming>) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send {
    move |request| {
        let (router, origin) = (router.clone(), origin.clone());
        Box::pin(answer(router, origin, request.map(Body::new)))
    }
}

async fn answer(router: Router, origin: Origin, mut request: http::Request<Body>) -> Response {
    let over_tls = match origin {
        Origin::Network(peer, certificate) => {
            request.extensions_mut().insert(peer);
            if let Some(certificate) = certificate {
                request.extensions_mut().insert(certificate);
            }
            true
        }
        Origin::Local(peer) => {
            request.extensions_mut().insert(peer);
            false
        }
    };
    let response = match tenant_paths(&mut request) {
        Ok(()) => router.oneshot(request).await.unwrap_or_else(|never| match never {}),
        Err(error) => error.into_response(),
    };
    finish(response, over_tls)
}
