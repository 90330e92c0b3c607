//! Serving a router over TLS and over the UNIX socket, with every wait and size bounded.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::route::{finish, tenant_paths};
use crate::{LocalPeer, PeerAddress};

/// Bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// Connections at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Until the TLS handshake must be complete.
    pub handshake: Duration,
    /// Until a request head must be complete.
    pub head: Duration,
    /// Largest request head, bytes (guideline X06: at least 32 KiB for long tokens).
    pub head_bytes: usize,
    /// How long open requests may take to finish when the listener stops.
    pub drain: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            head_bytes: 64 * 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// Where the current TLS configuration comes from, asked for each connection so that certificates can change.
pub type TlsSource = Arc<dyn Fn() -> Arc<rustls::ServerConfig> + Send + Sync>;

/// Serves until `stop` turns true, then lets open requests finish within the drain time.
pub async fn serve_tls(
    listener: TcpListener,
    tls: TlsSource,
    router: Router,
    limits: ListenerLimits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors: waiting lets connections end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let acceptor = TlsAcceptor::from(tls());
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            if let Ok(Ok(stream)) = tokio::time::timeout(limits.handshake, acceptor.accept(stream)).await {
                let origin = Origin::Network(PeerAddress(peer));
                serve_connection(stream, origin, router, limits, stop).await;
            }
        });
    }
    let _ =
        tokio::time::timeout(limits.drain, places.acquire_many(u32::try_from(limits.connections).unwrap_or(u32::MAX)))
            .await;
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
        tokio::spawn(serve_connection(stream, Origin::Local(peer), router, limits, stop));
    }
}

#[derive(Clone, Copy)]
enum Origin {
    Network(PeerAddress),
    Local(LocalPeer),
}

async fn serve_connection<T>(
    stream: T,
    origin: Origin,
    router: Router,
    limits: ListenerLimits,
    mut stop: watch::Receiver<bool>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: http::Request<Incoming>| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(answer(router, origin, request.map(Body::new)).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes.max(8192))
        .max_headers(100);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .max_pending_accept_reset_streams(Some(20))
        .max_local_error_reset_streams(Some(100));
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits.drain, connection).await;
}

async fn answer(router: Router, origin: Origin, mut request: http::Request<Body>) -> Response {
    let over_tls = match origin {
        Origin::Network(peer) => {
            request.extensions_mut().insert(peer);
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
