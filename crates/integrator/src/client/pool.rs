//! Connections that are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use web::EgressStream;

/// Largest head of an answer, bytes.
const HEAD: usize = 64 * 1024;
/// Idle connections to all backends together.
const IDLE: usize = 4096;

/// A connection to a backend.
pub(super) enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    /// Shared: each message is a stream of it.
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// An answer's head, with the connection that its body still comes from.
pub(super) struct Sent {
    pub(super) response: Response<Incoming>,
    pub(super) connection: Connection,
}

/// Why there is no answer.
pub(super) struct Failed {
    pub(super) reason: hyper::Error,
    /// Nothing of the request left this machine, so it may be sent again.
    pub(super) unsent: bool,
}

impl Connection {
    /// Agrees on HTTP over an open stream.
    pub(super) async fn open(stream: EgressStream) -> Result<Self, hyper::Error> {
        match stream {
            EgressStream::Plain(stream) => Self::http1(stream).await,
            EgressStream::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .max_header_list_size(u32::try_from(HEAD).unwrap_or(u32::MAX))
                    .keep_alive_interval(Some(Duration::from_secs(20)))
                    .handshake(TokioIo::new(*stream))
                    .await?;
                tokio::spawn(connection);
                Ok(Self::Http2(sender))
            }
            EgressStream::Tls(stream) => Self::http1(*stream).await,
        }
    }

    async fn http1<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: T) -> Result<Self, hyper::Error> {
        let (sender, connection) =
            http1::Builder::new().max_buf_size(HEAD).max_headers(200).handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self::Http1(sender))
    }

    pub(super) const fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Http1(sender) => !sender.is_closed(),
            Self::Http2(sender) => !sender.is_closed(),
        }
    }

    pub(super) async fn send(self, request: Request<Full<Bytes>>) -> Result<Sent, Failed> {
        let failed = |mut error: hyper::client::conn::TrySendError<Request<Full<Bytes>>>| {
            let unsent = error.take_message().is_some();
            Failed { reason: error.into_error(), unsent }
        };
        match self {
            Self::Http1(mut sender) => {
                if let Err(reason) = sender.ready().await {
                    return Err(Failed { reason, unsent: true });
                }
                let response = sender.try_send_request(request).await.map_err(failed)?;
                Ok(Sent { response, connection: Self::Http1(sender) })
            }
            Self::Http2(mut sender) => {
                if let Err(reason) = sender.ready().await {
                    return Err(Failed { reason, unsent: true });
                }
                let response = sender.try_send_request(request).await.map_err(failed)?;
                Ok(Sent { response, connection: Self::Http2(sender) })
            }
        }
    }
}

/// Idle connections by origin, the youngest last.
pub(super) struct Pool {
    each: usize,
    time: Duration,
    idle: Mutex<HashMap<String, Vec<Idle>>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(super) fn new(each: usize, time: Duration) -> Arc<Self> {
        Arc::new(Self { each, time, idle: Mutex::default() })
    }

    /// An idle connection to an origin that is still open.
    pub(super) fn take(&self, origin: &str) -> Option<Connection> {
        let now = Instant::now();
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let list = all.get_mut(origin)?;
        while let Some(idle) = list.pop() {
            if now.duration_since(idle.since) > self.time {
                // The others are older.
                list.clear();
                break;
            }
            if !idle.connection.is_open() {
                continue;
            }
            if let Connection::Http2(sender) = &idle.connection {
                let shared = Connection::Http2(sender.clone());
                list.push(idle);
                return Some(shared);
            }
            return Some(idle.connection);
        }
        None
    }

    /// Keeps a connection, unless enough are kept.
    pub(super) fn put(&self, origin: &str, connection: Connection) {
        if !connection.is_open() {
            return;
        }
        let since = Instant::now();
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = all.get_mut(origin) {
            if connection.is_http2() {
                list.retain(|idle| !idle.connection.is_http2());
            }
            if list.len() >= self.each {
                list.remove(0);
            }
            list.push(Idle { connection, since });
            return;
        }
        if all.values().map(Vec::len).sum::<usize>() >= IDLE {
            all.retain(|_, list| list.last().is_some_and(|idle| since.duration_since(idle.since) <= self.time));
            if all.values().map(Vec::len).sum::<usize>() >= IDLE {
                return;
            }
        }
        all.insert(origin.to_owned(), vec![Idle { connection, since }]);
    }
}
