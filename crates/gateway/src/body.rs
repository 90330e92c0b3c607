//! Bodies on their way through: streamed, counted, bounded in time.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

use crate::exchange::Record;
use crate::pool::Sender;
use crate::worker::Worker;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The sending side failed.
    #[error("the body broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// No byte came in time.
    #[error("no byte of the body arrived in time")]
    Stalled,
}

/// A timer that exists only while a body is awaited.
#[derive(Default)]
struct Patience(Option<Pin<Box<Sleep>>>);

impl Patience {
    fn expired(&mut self, cx: &mut Context<'_>, limit: Duration) -> bool {
        self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit))).as_mut().poll(cx).is_ready()
    }

    fn reset(&mut self) {
        self.0 = None;
    }
}

/// What the client sends, on its way to the upstream.
pub(crate) enum RequestBody {
    /// Nothing.
    Empty,
    /// Known as a whole, because a policy needed it.
    Whole(Option<Bytes>),
    /// Streamed.
    Stream(Box<ClientStream>),
}

/// A streamed request body.
pub(crate) struct ClientStream {
    incoming: Incoming,
    patience: Patience,
    limit: Duration,
    progress: Arc<Progress>,
}

/// What became of a streamed request body; the exchange asks when the upstream call fails.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    failed: AtomicBool,
}

impl Progress {
    /// Whether the client is to blame for a failed upstream call.
    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Bytes that came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    /// Streams a client's body; `limit` is how long the client may pause.
    pub(crate) fn stream(incoming: Incoming, limit: Duration) -> (Self, Arc<Progress>) {
        let progress = Arc::<Progress>::default();
        let stream = ClientStream { incoming, patience: Patience::default(), limit, progress: Arc::clone(&progress) };
        (Self::Stream(Box::new(stream)), progress)
    }

    /// Whether the same body can be sent a second time.
    pub(crate) fn replay(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Stream(_) => None,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b)))),
            Self::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Stream(stream) => stream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Stream(stream) => stream.incoming.size_hint(),
        }
    }
}

impl ClientStream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.patience.reset();
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.progress.failed.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.patience.expired(cx, self.limit) => {
                self.progress.failed.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(BodyError::Stalled)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// What the client gets. Its end, or its drop, ends the exchange: the upstream connection goes back to the pool (or is
/// closed when the body was not read to its end) and the access record is written.
pub(crate) struct AnswerBody {
    kind: Kind,
    record: Option<Record>,
}

enum Kind {
    Whole(Option<Bytes>),
    Stream(Upstream),
}

struct Upstream {
    incoming: Incoming,
    lease: Option<Lease>,
    patience: Patience,
    limit: Duration,
}

/// An upstream connection that is busy with one answer.
pub(crate) struct Lease {
    /// Its worker.
    pub(crate) worker: Arc<Worker>,
    /// Its pool.
    pub(crate) peer: usize,
    /// The connection.
    pub(crate) sender: Sender,
}

impl Lease {
    /// Gives the connection back after the answer was read to its end.
    pub(crate) fn release(self) {
        self.worker.give_connection(self.peer, self.sender);
    }
}

impl AnswerBody {
    /// An answer of the gateway itself.
    pub(crate) fn whole(bytes: Bytes, record: Option<Record>) -> Self {
        let mut body = Self { kind: Kind::Whole(Some(bytes)), record };
        if body.is_end_stream() {
            body.finish();
        }
        body
    }

    /// An upstream's answer; `limit` is how long the upstream may pause.
    pub(crate) fn stream(incoming: Incoming, lease: Lease, limit: Duration, record: Record) -> Self {
        let upstream = Upstream { incoming, lease: Some(lease), patience: Patience::default(), limit };
        let mut body = Self { kind: Kind::Stream(upstream), record: Some(record) };
        if body.is_end_stream() {
            // No frame will be asked for, so this is the end.
            body.finish();
        }
        body
    }

    fn finish(&mut self) {
        if let Kind::Stream(upstream) = &mut self.kind
            && let Some(lease) = upstream.lease.take()
        {
            lease.release();
        }
        if let Some(mut record) = self.record.take() {
            record.complete = true;
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.kind {
            Kind::Whole(bytes) => bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))),
            Kind::Stream(upstream) => ready!(upstream.poll(cx)),
        };
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(record), Some(data)) = (&mut this.record, frame.data_ref()) {
                    record.bytes_out += data.len() as u64;
                }
                // Known-length bodies are never polled after their last byte.
                if this.is_end_stream() {
                    this.finish();
                }
            }
            Some(Err(_)) => {}
            None => this.finish(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Kind::Stream(upstream) => upstream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Kind::Stream(upstream) => upstream.incoming.size_hint(),
        }
    }
}

impl Upstream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.patience.reset();
                Poll::Ready(frame.map(|f| f.map_err(BodyError::from)))
            }
            Poll::Pending if self.patience.expired(cx, self.limit) => Poll::Ready(Some(Err(BodyError::Stalled))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Reads a body as a whole within a cap; `Ok(None)` is a body beyond it.
pub(crate) async fn collect<B>(mut body: B, cap: usize, limit: Duration) -> Result<Option<Vec<u8>>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    BodyError: From<B::Error>,
{
    use http_body_util::BodyExt;
    let mut whole = Vec::new();
    loop {
        let frame = tokio::time::timeout(limit, body.frame()).await.map_err(|_| BodyError::Stalled)?;
        match frame {
            None => return Ok(Some(whole)),
            Some(frame) => {
                if let Ok(data) = frame?.into_data() {
                    if whole.len() + data.len() > cap {
                        return Ok(None);
                    }
                    whole.extend_from_slice(&data);
                }
            }
        }
    }
}
