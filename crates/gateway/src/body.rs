//! Bodies on their way through: streamed, counted, bounded in time.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

use crate::events::Events;
use crate::exchange::Record;
use crate::traffic::state::InFlight;
use crate::upstream::streams::Streamed;
use crate::upstream::wire::{AnswerError, Wire};
use crate::worker::Worker;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The client failed.
    #[error("the body broke off: {0}")]
    Client(#[from] hyper::Error),
    /// The upstream failed.
    #[error("the body broke off: {0}")]
    Upstream(#[from] AnswerError),
    /// The upstream failed, on a stream.
    #[error("the body broke off: {0}")]
    Stream(hyper::Error),
    /// More or fewer bytes than announced.
    #[error("the body has another length than announced")]
    Length,
    /// More bytes than the gateway accepts.
    #[error("the body is larger than this gateway accepts")]
    TooLarge,
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
    /// Most bytes.
    cap: u64,
    progress: Arc<Progress>,
    begun: bool,
}

/// What became of a streamed request body; the exchange asks when the upstream call fails.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    failed: AtomicBool,
    too_large: AtomicBool,
    /// Whether the client has the next move.
    awaited: AtomicBool,
}

impl Progress {
    /// Whether the client is to blame for a failed upstream call.
    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Whether the body went beyond the cap.
    pub(crate) fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed)
    }

    /// Whether a call that failed for lack of time, or of a body, failed because of the client.
    pub(crate) fn is_behind(&self) -> bool {
        self.failed() || self.awaited.load(Ordering::Relaxed)
    }

    /// Bytes that came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    /// Streams a client's body; `limit` is how long the client may pause, `cap` the most bytes it may send.
    pub(crate) fn stream(incoming: Incoming, limit: Duration, cap: u64) -> (Self, Arc<Progress>) {
        let progress = Arc::<Progress>::default();
        let patience = Patience::default();
        let stream = ClientStream { incoming, patience, limit, cap, progress: Arc::clone(&progress), begun: false };
        (Self::Stream(Box::new(stream)), progress)
    }

    /// What becomes of a streamed body.
    pub(crate) fn progress(&self) -> Option<Arc<Progress>> {
        match self {
            Self::Empty | Self::Whole(_) => None,
            Self::Stream(stream) => Some(Arc::clone(&stream.progress)),
        }
    }

    /// Whether a piece of a body that cannot be had twice was taken already.
    pub(crate) fn is_begun(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(_) => false,
            Self::Stream(stream) => stream.begun,
        }
    }

    /// The same body once more, if it can be sent twice.
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
                self.begun = true;
                self.progress.awaited.store(false, Ordering::Relaxed);
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                let before = self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
                if before.saturating_add(bytes) > self.cap {
                    self.progress.failed.store(true, Ordering::Relaxed);
                    self.progress.too_large.store(true, Ordering::Relaxed);
                    return Poll::Ready(Some(Err(BodyError::TooLarge)));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.progress.failed.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.progress.awaited.store(false, Ordering::Relaxed);
                Poll::Ready(None)
            }
            Poll::Pending if self.patience.expired(cx, self.limit) => {
                self.progress.failed.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(BodyError::Stalled)))
            }
            Poll::Pending => {
                self.progress.awaited.store(true, Ordering::Relaxed);
                Poll::Pending
            }
        }
    }
}

/// What the client gets. Its end, or its drop, ends the exchange: the upstream connection goes back to the pool (or is
/// closed when the body was not read to its end) and the access record is written.
pub(crate) struct AnswerBody {
    kind: Kind,
    record: Option<Box<Record>>,
}

enum Kind {
    Whole(Option<Bytes>),
    Stream(Upstream),
    Events(Box<Events>),
}

/// The body of an upstream's answer. It owns the connection, which goes back to the pool at the end of the body and is
/// closed when the body is dropped before.
pub(crate) struct Upstream {
    /// The request's body, while the answer came before it was sent.
    unsent: Option<RequestBody>,
    wire: Option<Box<Wire>>,
    worker: Arc<Worker>,
    peer: usize,
    /// How long the upstream may pause, and until when it may now.
    limit: Duration,
    patience: Option<Instant>,
    /// An HTTP/2 stream instead of a connection.
    stream: Option<Box<Streamed>>,
    /// Counts the call for its target to the end of the answer.
    in_flight: Option<InFlight>,
}

impl Upstream {
    /// The rest of a call whose answer's head was read.
    pub(crate) fn new(worker: &Arc<Worker>, peer: usize, wire: Box<Wire>, body: RequestBody, limit: Duration) -> Self {
        let unsent = if wire.is_sent() { None } else { Some(body) };
        let worker = Arc::clone(worker);
        let mut upstream =
            Self { unsent, wire: Some(wire), worker, peer, limit, patience: None, stream: None, in_flight: None };
        upstream.settle();
        upstream
    }

    /// The rest of a call on an HTTP/2 stream.
    pub(crate) fn on_stream(worker: &Arc<Worker>, stream: Streamed, limit: Duration) -> Self {
        let stream = if stream.is_over() { None } else { Some(Box::new(stream)) };
        let worker = Arc::clone(worker);
        Self { unsent: None, wire: None, worker, peer: 0, limit, patience: None, stream, in_flight: None }
    }

    /// Counts the call for its target until the answer ends.
    pub(crate) fn counted(mut self, in_flight: Option<InFlight>) -> Self {
        self.in_flight = in_flight;
        self
    }

    /// Gives the connection back when the answer is complete.
    fn settle(&mut self) {
        if let Some(wire) = self.wire.take_if(|wire| wire.is_answered()) {
            self.worker.give_connection(self.peer, wire);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(stream) = &mut self.stream {
            return stream.poll(cx, self.limit);
        }
        let Some(wire) = &mut self.wire else { return Poll::Ready(None) };
        if let Some(body) = &mut self.unsent
            && wire.poll_send_rest(cx, body).is_ready()
        {
            self.unsent = None;
        }
        match wire.poll_body(cx) {
            Poll::Ready(outcome) => {
                self.patience = None;
                match outcome {
                    Ok(data) => {
                        self.settle();
                        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
                    }
                    Err(error) => {
                        self.wire = None;
                        Poll::Ready(Some(Err(error.into())))
                    }
                }
            }
            Poll::Pending => {
                let until = *self.patience.get_or_insert_with(|| Instant::now() + self.limit);
                if wire.is_late(cx, until) {
                    self.wire = None;
                    return Poll::Ready(Some(Err(BodyError::Stalled)));
                }
                Poll::Pending
            }
        }
    }
}

impl Body for Upstream {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.get_mut().poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.wire.is_none() && self.stream.as_ref().is_none_or(|stream| stream.is_over())
    }

    fn size_hint(&self) -> SizeHint {
        if let Some(stream) = &self.stream {
            return stream.size_hint();
        }
        let missing = self.wire.as_ref().map_or(Some(0), |wire| wire.missing());
        missing.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl AnswerBody {
    /// An answer of the gateway itself.
    pub(crate) fn whole(bytes: Bytes, record: Option<Box<Record>>) -> Self {
        let mut body = Self { kind: Kind::Whole(Some(bytes)), record };
        if body.is_end_stream() {
            body.finish();
        }
        body
    }

    /// An upstream's answer.
    pub(crate) fn stream(upstream: Upstream, record: Box<Record>) -> Self {
        let mut body = Self { kind: Kind::Stream(upstream), record: Some(record) };
        if body.is_end_stream() {
            // No frame will be asked for, so this is the end.
            body.finish();
        }
        body
    }

    /// An upstream's answer that is a stream of events.
    pub(crate) fn events(events: Events, record: Box<Record>) -> Self {
        Self { kind: Kind::Events(Box::new(events)), record: Some(record) }
    }

    fn finish(&mut self) {
        if let Some(mut record) = self.record.take() {
            record.complete = !matches!(&self.kind, Kind::Events(events) if events.is_refused());
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
            Kind::Events(events) => ready!(events.poll(cx)),
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
            Kind::Stream(upstream) => upstream.is_end_stream(),
            Kind::Events(events) => events.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Kind::Stream(upstream) => upstream.size_hint(),
            // The gateway may end it at any time.
            Kind::Events(_) => SizeHint::default(),
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
