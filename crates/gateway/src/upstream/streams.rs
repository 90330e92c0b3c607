//! HTTP/2 connections to upstreams, each shared by many calls of one worker. For gRPC, which knows nothing else, and for
//! endpoints that ask for it.

use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

use super::response::{Framing, Head};
use super::transport::{Alarm, Transport};
use super::{Peer, Target};
use crate::body::{BodyError, RequestBody};

/// Calls on one connection before another one is opened.
const STREAMS: u32 = 100;
/// Connections of one worker to one peer.
const CONNECTIONS: usize = 8;

/// One connection.
#[derive(Clone)]
pub(crate) struct Link {
    send: SendRequest<RequestBody>,
    in_flight: Arc<AtomicU32>,
}

struct Pooled {
    link: Link,
    used: u64,
}

/// The open connections of one worker, by peer.
#[derive(Default)]
pub(crate) struct Links(HashMap<usize, Vec<Pooled>>);

impl Links {
    /// A connection with room for a call. Without one, a new one may be opened if the second value says so.
    pub(crate) fn take(&mut self, peer: usize, tick: u64) -> Option<Link> {
        let links = self.0.get_mut(&peer)?;
        links.retain(|pooled| !pooled.link.send.is_closed());
        let full = links.len() >= CONNECTIONS;
        let calls = |pooled: &Pooled| pooled.link.in_flight.load(Ordering::Relaxed);
        let best = links.iter_mut().min_by_key(|pooled| calls(pooled))?;
        if calls(best) >= STREAMS && !full {
            return None;
        }
        best.used = tick;
        Some(best.link.clone())
    }

    /// Keeps a connection for others, unless there are enough.
    pub(crate) fn give(&mut self, peer: usize, link: &Link, tick: u64) {
        let links = self.0.entry(peer).or_default();
        if links.len() < CONNECTIONS {
            links.push(Pooled { link: link.clone(), used: tick });
        }
    }

    /// Closes what nobody has used since `oldest`.
    pub(crate) fn prune(&mut self, oldest: u64) {
        self.0.retain(|_, links| {
            let used = |p: &Pooled| p.used >= oldest || p.link.in_flight.load(Ordering::Relaxed) > 0;
            links.retain(|pooled| !pooled.link.send.is_closed() && used(pooled));
            !links.is_empty()
        });
    }
}

/// Counts a call on its connection.
struct Lease(Arc<AtomicU32>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a call got no answer.
pub(crate) enum StreamError {
    /// The request was not sent; here is its body again.
    NotSent(RequestBody),
    /// The upstream refused the stream before it did anything (RFC 9113 section 8.7).
    Refused,
    /// The upstream may have seen it.
    Failed(hyper::Error),
    /// No answer in time.
    Timeout,
    /// The target cannot be written as a URI.
    Target,
}

/// Speaks HTTP/2 on a connection that was just opened.
pub(crate) async fn shake_hands(transport: Transport, keep_alive: Duration) -> Result<Link, hyper::Error> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(2 * 1024 * 1024)
        .max_header_list_size(64 * 1024)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(keep_alive)
        .keep_alive_timeout(keep_alive);
    let (send, connection) = builder.handshake(TokioIo::new(transport)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an HTTP/2 connection to an upstream ended");
        }
    });
    Ok(Link { send, in_flight: Arc::new(AtomicU32::new(0)) })
}

/// What a stream says before its body.
pub(crate) struct StreamHead<'a> {
    /// Method.
    pub(crate) method: &'a Method,
    /// Path and query.
    pub(crate) target: &'a [u8],
    /// End-to-end fields.
    pub(crate) headers: &'a HeaderMap,
    /// Whether the client takes trailers.
    pub(crate) trailers: bool,
}

impl Link {
    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn call(
        mut self,
        target: &Target,
        head: &StreamHead<'_>,
        body: RequestBody,
        deadline: Instant,
    ) -> Result<(Head, Streamed), StreamError> {
        let uri = uri(&target.peer, head.target).ok_or(StreamError::Target)?;
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = head.headers.clone();
        request.headers_mut().remove(http::header::HOST);
        if head.trailers {
            request.headers_mut().insert(http::header::TE, HeaderValue::from_static("trailers"));
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let lease = Lease(Arc::clone(&self.in_flight));
        let answered = timeout_at(deadline, self.send.try_send_request(request)).await;
        let response: Response<Incoming> = match answered {
            Err(_late) => return Err(StreamError::Timeout),
            Ok(Ok(response)) => response,
            Ok(Err(mut error)) => {
                return Err(match error.take_message() {
                    Some(request) => StreamError::NotSent(request.into_body()),
                    None => failure(error.into_error()),
                });
            }
        };
        let (parts, incoming) = response.into_parts();
        let head = Head { status: parts.status, headers: parts.headers, framing: Framing::Close, keep_alive: true };
        Ok((head, Streamed { incoming, alarm: Alarm::default(), until: None, over: false, _lease: lease }))
    }
}

fn failure(error: hyper::Error) -> StreamError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = source {
        if let Some(frame) = cause.downcast_ref::<h2::Error>()
            && frame.is_remote()
            && frame.reason() == Some(h2::Reason::REFUSED_STREAM)
        {
            return StreamError::Refused;
        }
        source = cause.source();
    }
    StreamError::Failed(error)
}

fn uri(peer: &Peer, target: &[u8]) -> Option<Uri> {
    let scheme = if peer.tls_name.is_some() { "https" } else { "http" };
    Uri::builder().scheme(scheme).authority(peer.authority.as_bytes()).path_and_query(target).build().ok()
}

/// The body of an answer on a stream, trailers included. Dropping it resets a stream that has not ended.
pub(crate) struct Streamed {
    incoming: Incoming,
    alarm: Alarm,
    until: Option<Instant>,
    over: bool,
    _lease: Lease,
}

impl Streamed {
    /// The next frame; `limit` is how long the upstream may pause.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, BodyError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.until = None;
                self.over = !matches!(frame, Some(Ok(_)));
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Stream)))
            }
            Poll::Pending => {
                let until = *self.until.get_or_insert_with(|| Instant::now() + limit);
                if self.alarm.expired(cx, until) {
                    self.over = true;
                    return Poll::Ready(Some(Err(BodyError::Stalled)));
                }
                Poll::Pending
            }
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.over || self.incoming.is_end_stream()
    }

    /// What is known about the length.
    pub(crate) fn size_hint(&self) -> SizeHint {
        if self.over { SizeHint::with_exact(0) } else { self.incoming.size_hint() }
    }
}
