//! One client connection: TLS, HTTP/1.1 or HTTP/2, and what the watchdog needs to know about it. `budget` bounds the frames
//! that cost a client nothing, `framing` tells messages apart.

mod budget;
mod framing;

use http::HeaderMap;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use model::Secret;
use model::snapshot::DeployedApi;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use self::budget::Budget;
use self::framing::Framing;
use crate::access_log::Rendered;
use crate::authorise::Standing;
use crate::client_certificate::Presented;
use crate::counters::Counter;
use crate::exchange;
use crate::proxy::{self, Client, Proxies};
use crate::settings::Caps;
use crate::token_cache::Principal;
use crate::websocket::tunnel::Tunnel;
use crate::worker::Worker;

/// Tells the tasks of a worker to finish.
pub(crate) type Stop = watch::Receiver<bool>;

/// State of a connection, written by its task and read by the watchdog of the same worker. Times are ticks (seconds of
/// the worker); 0 means "not now".
#[derive(Debug)]
pub(crate) struct Connection {
    peer: IpAddr,
    rendered_peer: Rendered,
    /// The client that the peer, a proxy, speaks for.
    proxied: OnceLock<(IpAddr, Rendered)>,
    /// Whether the forwarding field of each request counts.
    forwards: AtomicBool,
    secure: bool,
    facts: OnceLock<Rendered>,
    multiplexed: AtomicBool,
    last_progress: AtomicU64,
    head_since: AtomicU64,
    write_blocked_since: AtomicU64,
    in_flight: AtomicU32,
    tick: Arc<AtomicU64>,
    recognised: Mutex<Recognised>,
    certificate: OnceLock<Option<Arc<Presented>>>,
    /// What the connection becomes after the answer under way.
    tunnel: Mutex<Option<Box<Tunnel>>>,
    /// Whether it becomes that.
    upgraded: AtomicBool,
}

/// Which token a connection carries. A client of its own sends the same one with every call; then it need not be hashed to
/// be found in the cache. A connection that many clients share through a proxy is found out by its second token and
/// uses the cache from then on.
#[derive(Default)]
enum Recognised {
    #[default]
    Nobody,
    One(Box<Token>),
    Many,
}

/// A token that was accepted, and what the acceptance depended on besides the time.
struct Token {
    field: Secret<Vec<u8>>,
    generation: u64,
    api: Arc<DeployedApi>,
    principal: Arc<Principal>,
    standing: Arc<Standing>,
}

impl std::fmt::Debug for Recognised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recognised(..)")
    }
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(peer: IpAddr, secure: bool, tick: Arc<AtomicU64>) -> Self {
        let now = tick.load(Ordering::Relaxed);
        Self {
            peer: peer.to_canonical(),
            rendered_peer: rendered(peer.to_canonical()),
            proxied: OnceLock::new(),
            forwards: AtomicBool::new(false),
            secure,
            facts: OnceLock::new(),
            multiplexed: AtomicBool::new(false),
            last_progress: AtomicU64::new(now),
            head_since: AtomicU64::new(now),
            write_blocked_since: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            tick,
            recognised: Mutex::default(),
            certificate: OnceLock::new(),
            tunnel: Mutex::default(),
            upgraded: AtomicBool::new(false),
        }
    }

    /// Leaves a tunnel to the connection, which runs it when the answer that agrees to it is sent.
    pub(crate) fn keep_tunnel(&self, tunnel: Tunnel) {
        self.upgraded.store(true, Ordering::Relaxed);
        *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(tunnel));
    }

    fn take_tunnel(&self) -> Option<Box<Tunnel>> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whose token this is and what it stands for, if the same field was accepted on this connection for the same API of
    /// the same snapshot. The caller checks that it has not expired.
    pub(crate) fn recognise(
        &self,
        field: &[u8],
        generation: u64,
        api: &Arc<DeployedApi>,
    ) -> Option<(Arc<Principal>, Arc<Standing>)> {
        let recognised = self.recognised.lock().unwrap_or_else(PoisonError::into_inner);
        let Recognised::One(token) = &*recognised else { return None };
        let same = token.generation == generation && Arc::ptr_eq(&token.api, api) && token.field.expose() == field;
        same.then(|| (Arc::clone(&token.principal), Arc::clone(&token.standing)))
    }

    /// Remembers an accepted token.
    pub(crate) fn remember(
        &self,
        field: &[u8],
        generation: u64,
        api: &Arc<DeployedApi>,
        (principal, standing): (&Arc<Principal>, &Arc<Standing>),
    ) {
        let mut recognised = self.recognised.lock().unwrap_or_else(PoisonError::into_inner);
        let one = match &*recognised {
            Recognised::Nobody => true,
            Recognised::One(token) => token.field.expose() == field,
            Recognised::Many => return,
        };
        *recognised = if one {
            let (field, api) = (Secret::new(field.to_vec()), Arc::clone(api));
            let (principal, standing) = (Arc::clone(principal), Arc::clone(standing));
            Recognised::One(Box::new(Token { field, generation, api, principal, standing }))
        } else {
            Recognised::Many
        };
    }

    /// Client address.
    pub(crate) fn peer(&self) -> IpAddr {
        self.proxied.get().map_or(self.peer, |(address, _)| *address)
    }

    /// The client of one request: the peer, or whom it forwards for.
    pub(crate) fn client(&self, headers: &HeaderMap, proxies: &Proxies) -> Client {
        let peer = Client { address: self.peer(), secure: self.secure };
        if self.forwards.load(Ordering::Relaxed) { proxies.client(headers, peer) } else { peer }
    }

    /// The certificate that the client showed.
    pub(crate) fn certificate(&self) -> Option<&Arc<Presented>> {
        self.certificate.get().and_then(Option::as_ref)
    }

    /// Client address, for the log.
    pub(crate) fn rendered_peer(&self) -> &Rendered {
        self.proxied.get().map_or(&self.rendered_peer, |(_, rendered)| rendered)
    }

    /// TLS version and cipher suite, for the log; `None` for plain HTTP.
    pub(crate) fn rendered_tls(&self) -> Option<&Rendered> {
        self.facts.get()
    }

    /// A request head is complete.
    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
    }

    /// An answer was handed over, or given up.
    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.last_progress.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    fn was_read(&self) {
        if self.in_flight.load(Ordering::Relaxed) == 0
            && self.head_since.load(Ordering::Relaxed) == 0
            && !self.multiplexed.load(Ordering::Relaxed)
        {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn was_written(&self, blocked: bool) {
        let since = &self.write_blocked_since;
        if !blocked {
            since.store(0, Ordering::Relaxed);
        } else if since.load(Ordering::Relaxed) == 0 {
            since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Whether the watchdog cuts the connection at this tick.
    pub(crate) fn is_overdue(&self, now: u64, caps: &Caps) -> bool {
        let overdue = |since: u64, limit: Duration| since != 0 && now.saturating_sub(since) > limit.as_secs();
        if overdue(self.write_blocked_since.load(Ordering::Relaxed), caps.stall_timeout) {
            return true;
        }
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return false;
        }
        overdue(self.head_since.load(Ordering::Relaxed), caps.head_timeout)
            || overdue(self.last_progress.load(Ordering::Relaxed), caps.idle_timeout)
    }
}

/// What the parser would see of bytes that come in pieces of a size.
#[cfg(test)]
pub(crate) fn framing_of(bytes: &[u8], size: usize) -> Vec<u8> {
    let (mut framing, mut bytes) = (Framing::new(), bytes.to_vec());
    bytes.chunks_mut(size).for_each(|piece| framing.follow(piece));
    bytes
}

/// An address, for the log.
pub(crate) fn rendered(address: IpAddr) -> Rendered {
    Rendered::of(&[("peer", &address.to_string())])
}

/// Serves a connection to its end.
pub(crate) async fn run(
    worker: Arc<Worker>,
    connection: Arc<Connection>,
    mut stream: TcpStream,
    tls: Option<TlsAcceptor>,
    stop: Stop,
) {
    let settings = &worker.shared.settings;
    if settings.proxies.speaks_protocol(connection.peer) {
        let header = timeout(settings.caps.handshake_timeout, proxy::read_header(&mut stream)).await;
        let Ok(Ok(client)) = header else {
            tracing::warn!(peer = %connection.peer, "a connection without the PROXY protocol header that is expected from this peer");
            worker.counters.add(Counter::HandshakesFailed);
            return;
        };
        if let Some(client) = client {
            let _set_once = connection.proxied.set((client, rendered(client)));
        }
    }
    // The peer itself, or the peer that a listed one speaks for.
    connection.forwards.store(settings.proxies.forwards(connection.peer()), Ordering::Relaxed);
    let Some(tls) = tls else {
        http1(worker, connection, stream, stop).await;
        return;
    };
    let accepted = timeout(worker.shared.settings.caps.handshake_timeout, tls.accept(Socket(stream))).await;
    let Ok(Ok(stream)) = accepted else {
        worker.counters.add(Counter::HandshakesFailed);
        return;
    };
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().and_then(|v| v.as_str()).unwrap_or("TLS").replace("TLSv1_", "TLSv1.");
    let suite = session.negotiated_cipher_suite().and_then(|s| s.suite().as_str()).unwrap_or_default();
    let shown = session.peer_certificates().and_then(Presented::new);
    let _set_once = connection.certificate.set(shown.map(Arc::new));
    let http2_chosen = session.alpn_protocol() == Some(b"h2");
    let _set_once = connection.facts.set(Rendered::of(&[("tls", &format!("{version} {suite}"))]));
    if http2_chosen {
        http2(worker, connection, stream, stop).await;
    } else {
        http1(worker, connection, stream, stop).await;
    }
}

async fn http1<S>(worker: Arc<Worker>, connection: Arc<Connection>, stream: S, stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let caps = &worker.shared.settings.caps;
    let mut builder = http1::Builder::new();
    // Time is the watchdog's business: it bounds heads, pauses and idling without a timer per request.
    builder
        .header_read_timeout(None)
        .max_header_size(caps.head_bytes)
        .max_buf_size((caps.head_bytes * 2).max(16 * 1024));
    let guard = Guard::Messages(Framing::new());
    let io = TokioIo::new(Watched { stream, connection: Arc::clone(&connection), guard });
    let service = service_fn({
        let (worker, connection) = (Arc::clone(&worker), Arc::clone(&connection));
        move |request| exchange::serve(Arc::clone(&worker), Arc::clone(&connection), request)
    });
    let mut serving = pin!(builder.serve_connection(io, service).with_upgrades());
    if ended_before(serving.as_mut(), stop.clone()).await {
        if let Some(tunnel) = connection.take_tunnel() {
            tunnel.run(stop).await;
        }
        return;
    }
    serving.as_mut().graceful_shutdown();
    let _drained = timeout(worker.shared.settings.caps.drain_timeout, serving).await;
}

/// Runs a connection; false when the worker stops before it ends.
async fn ended_before<F: Future>(mut serving: Pin<&mut F>, mut stop: Stop) -> bool {
    // A look at the version is all that a wake-up costs; waiting is registered once, as the task's waker stays the same.
    let changes = stop.clone();
    let mut stopped = pin!(stop.wait_for(|stop| *stop));
    let mut registered = false;
    std::future::poll_fn(|cx| {
        if serving.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        if !registered || changes.has_changed().unwrap_or(true) {
            registered = true;
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
        }
        Poll::Pending
    })
    .await
}

async fn http2<S>(worker: Arc<Worker>, connection: Arc<Connection>, stream: S, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let caps = &worker.shared.settings.caps;
    connection.multiplexed.store(true, Ordering::Relaxed);
    connection.head_since.store(0, Ordering::Relaxed);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(caps.streams)
        .max_header_list_size(u32::try_from(caps.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256)
        .initial_stream_window_size(128 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(caps.idle_timeout / 2)
        .keep_alive_timeout(caps.stall_timeout);
    let guard = Guard::Frames(Budget::new());
    let io = TokioIo::new(Watched { stream, connection: Arc::clone(&connection), guard });
    let service = service_fn({
        let worker = Arc::clone(&worker);
        move |request| exchange::serve(Arc::clone(&worker), Arc::clone(&connection), request)
    });
    let mut serving = pin!(builder.serve_connection(io, service));
    tokio::select! {
        biased;
        _ended = serving.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => serving.as_mut().graceful_shutdown(),
    }
    let _drained = timeout(worker.shared.settings.caps.drain_timeout, serving).await;
}

/// A socket below TLS. A record is one buffer as a rule, and `send` costs less than `writev` of one buffer.
struct Socket(TcpStream);

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let stream = Pin::new(&mut self.get_mut().0);
        match bufs {
            [single] => stream.poll_write(cx, single),
            _ => stream.poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

/// What looks at the bytes of a client before the parser does.
enum Guard {
    /// HTTP/1.
    Messages(Framing),
    /// HTTP/2.
    Frames(Budget),
}

/// A stream that tells the watchdog what happens on it.
struct Watched<S> {
    stream: S,
    connection: Arc<Connection>,
    guard: Guard,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if matches!(&this.guard, Guard::Messages(framing) if framing.is_spoiled()) {
            // The end, for a parser that is in the middle of a body; the answer can still be written.
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.connection.was_read();
            let fresh = buf.filled_mut().get_mut(before..).unwrap_or_default();
            match &mut this.guard {
                // What follows an upgrade are no messages.
                Guard::Messages(_) if this.connection.upgraded.load(Ordering::Relaxed) => {}
                Guard::Messages(framing) => framing.follow(fresh),
                Guard::Frames(budget) => {
                    if !budget.allows(fresh, this.connection.now()) {
                        tracing::debug!(peer = %this.connection.peer(), "too many frames that carry nothing; the connection is cut");
                        return Poll::Ready(Err(std::io::ErrorKind::InvalidData.into()));
                    }
                }
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.connection.was_written(written.is_pending());
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.connection.was_written(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.connection.was_written(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
