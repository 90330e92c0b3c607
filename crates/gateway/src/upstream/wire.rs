//! One HTTP/1.1 connection to an upstream, driven by the task of the call that uses it: no task, channel or wake-up of
//! its own.
//!
//! Strict on purpose: a connection is used again only after an answer whose end is beyond doubt, with nothing behind it.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::Body;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use super::response::{Chunk, Chunks, Framing, Head, Malformed, end_of_head, parse};
use super::transport::{Alarm, Transport};
use crate::body::{BodyError, RequestBody};

/// Room for a head with a small body; what an idle connection keeps.
const ROOM: usize = 8 * 1024;
/// Room for one read of a large body.
const LARGE_ROOM: usize = 64 * 1024;
/// Body pieces up to this size are copied behind the head, so that they leave in one write.
const GATHER: usize = 16 * 1024;
/// Pieces of answers below this size are copied out, so that the connection keeps its buffer.
const SMALL: usize = 4 * 1024;
/// Interim answers (1xx) before the final one.
const MAX_INTERIM: u8 = 16;

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No byte of the request left.
    #[error("the request was not sent: {0}")]
    NotSent(io::Error),
    /// The connection ended before the first byte of an answer, as it does when the upstream closes an idle connection
    /// at the wrong moment.
    #[error("the connection was closed without an answer")]
    Unanswered,
    /// The connection ended within the head of the answer.
    #[error("the answer broke off: {0}")]
    Broken(io::Error),
    /// Not an answer that can be trusted.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// No answer before the deadline.
    #[error("no answer in time")]
    Timeout,
    /// The request's body failed.
    #[error(transparent)]
    Body(BodyError),
}

/// Why an answer's body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// The connection failed or ended early.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// Chunks that are not chunks.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

enum SendError {
    Io(io::Error),
    Body(BodyError),
}

/// How far a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// This many bytes of the body are missing.
    Length(u64),
    /// Chunks until the body ends.
    Chunked,
    /// All is encoded.
    Flush,
    /// All is on its way.
    Done,
    /// It cannot be sent to its end; the answer may still come.
    Broken,
}

/// What a request says before its body. The target and all values are free of control characters.
pub(crate) struct RequestHead<'a> {
    /// Method.
    pub(crate) method: &'a Method,
    /// Origin-form target.
    pub(crate) target: &'a [u8],
    /// `Host`.
    pub(crate) host: &'a HeaderValue,
    /// End-to-end fields, without `Host`, `Content-Length` and those of the hop.
    pub(crate) headers: &'a HeaderMap,
}

/// The connection.
#[derive(Debug)]
pub(crate) struct Wire {
    transport: Transport,
    alarm: Alarm,
    /// Bytes that were read and not yet used.
    input: BytesMut,
    /// How much of an incomplete head was looked at.
    scanned: usize,
    interim: u8,
    /// Bytes to be written, from `written` on; then `block`.
    output: Vec<u8>,
    written: usize,
    block: Bytes,
    block_ends_chunk: bool,
    /// Whether a byte of this request was written.
    touched: bool,
    sending: Sending,
    framing: Framing,
    chunks: Chunks,
    keep_alive: bool,
}

impl Wire {
    /// A connection that was just opened.
    pub(crate) fn new(transport: Transport) -> Self {
        Self {
            transport,
            alarm: Alarm::default(),
            input: BytesMut::new(),
            scanned: 0,
            interim: 0,
            output: Vec::with_capacity(1024),
            written: 0,
            block: Bytes::new(),
            block_ends_chunk: false,
            touched: false,
            sending: Sending::Done,
            framing: Framing::Length(0),
            chunks: Chunks::default(),
            keep_alive: true,
        }
    }

    /// Whether an idle connection is open and silent. Bytes that nobody asked for would be taken for the next answer.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.poll_fill(&mut context, ROOM).is_pending()
    }

    /// Whether the connection may carry another request.
    pub(crate) fn is_reusable(&self) -> bool {
        self.keep_alive && self.is_answered() && self.input.is_empty() && self.sending == Sending::Done
    }

    /// Gives back what only large messages need; for connections that become idle.
    pub(crate) fn shrink(&mut self) {
        if self.input.capacity() > 2 * ROOM {
            self.input = BytesMut::new();
        }
        self.output.clear();
        self.output.shrink_to(ROOM);
    }

    /// The stream itself, with what was read from it already.
    pub(crate) fn into_parts(self) -> (Transport, BytesMut) {
        (self.transport, self.input)
    }

    /// Whether the answer was read to its end.
    pub(crate) fn is_answered(&self) -> bool {
        self.framing == Framing::Length(0)
    }

    /// Whether the request was sent to its end.
    pub(crate) fn is_sent(&self) -> bool {
        self.sending == Sending::Done
    }

    /// Bytes of the answer's body that are missing, if that is known.
    pub(crate) const fn missing(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(left) => Some(left),
            Framing::Chunked | Framing::Close => None,
        }
    }

    /// Whether `deadline` has passed; if not, the task is woken then.
    pub(crate) fn is_late(&mut self, cx: &mut Context<'_>, deadline: Instant) -> bool {
        self.alarm.expired(cx, deadline)
    }

    /// Sends a request and waits for the head of its answer, which may come before the request is sent; the rest is then
    /// sent by [`Wire::poll_send_rest`].
    pub(crate) async fn call(
        &mut self,
        head: &RequestHead<'_>,
        body: &mut RequestBody,
        deadline: Instant,
    ) -> Result<Head, CallError> {
        self.begin(head, body);
        std::future::poll_fn(|cx| self.poll_call(cx, head.method, body, deadline)).await
    }

    fn begin(&mut self, head: &RequestHead<'_>, body: &RequestBody) {
        let out = &mut self.output;
        out.clear();
        for piece in [head.method.as_str().as_bytes(), b" ", head.target, b" HTTP/1.1\r\nhost: ", head.host.as_bytes()]
        {
            out.extend_from_slice(piece);
        }
        for (name, value) in head.headers {
            if *name != http::header::HOST {
                for piece in [b"\r\n", name.as_str().as_bytes(), b": ", value.as_bytes()] {
                    out.extend_from_slice(piece);
                }
            }
        }
        let expected = [Method::POST, Method::PUT, Method::PATCH].contains(head.method);
        self.sending = match body.size_hint().exact() {
            Some(0) => {
                // RFC 9110 section 8.6: these methods say so when there is no content.
                out.extend_from_slice(if expected { b"\r\ncontent-length: 0\r\n\r\n" } else { b"\r\n\r\n" });
                Sending::Flush
            }
            Some(length) => {
                out.extend_from_slice(format!("\r\ncontent-length: {length}\r\n\r\n").as_bytes());
                Sending::Length(length)
            }
            None => {
                out.extend_from_slice(b"\r\ntransfer-encoding: chunked\r\n\r\n");
                Sending::Chunked
            }
        };
        self.written = 0;
        self.touched = false;
        self.scanned = 0;
        self.interim = 0;
        self.chunks = Chunks::default();
        self.keep_alive = true;
    }

    fn poll_call(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        body: &mut RequestBody,
        deadline: Instant,
    ) -> Poll<Result<Head, CallError>> {
        if !self.is_sent() {
            match self.poll_send(cx, body) {
                Poll::Ready(Err(SendError::Io(error))) if !self.touched => {
                    return Poll::Ready(Err(CallError::NotSent(error)));
                }
                Poll::Ready(Err(SendError::Body(error))) => return Poll::Ready(Err(CallError::Body(error))),
                // Whoever refuses a body early may close before it is sent: the answer counts.
                Poll::Ready(Err(SendError::Io(_))) | Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        loop {
            if let Some(head) = self.take_head(method)? {
                return Poll::Ready(Ok(head));
            }
            match self.poll_fill(cx, ROOM) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.broken(io::ErrorKind::UnexpectedEof.into()))),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.broken(error))),
                Poll::Pending => break,
            }
        }
        if self.alarm.expired(cx, deadline) { Poll::Ready(Err(CallError::Timeout)) } else { Poll::Pending }
    }

    fn broken(&self, error: io::Error) -> CallError {
        if self.input.is_empty() && self.interim == 0 { CallError::Unanswered } else { CallError::Broken(error) }
    }

    /// The final head, when it is complete; interim ones are skipped (RFC 9110 section 15.2).
    fn take_head(&mut self, method: &Method) -> Result<Option<Head>, Malformed> {
        loop {
            let Some(end) = end_of_head(&self.input, self.scanned)? else {
                self.scanned = self.input.len();
                return Ok(None);
            };
            let head = parse(self.input.get(..end).unwrap_or_default(), method)?;
            self.input.advance(end);
            self.scanned = 0;
            if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
                self.interim += 1;
                if self.interim > MAX_INTERIM {
                    return Err(Malformed::Interim);
                }
                continue;
            }
            self.framing = head.framing;
            self.keep_alive = head.keep_alive && head.status != StatusCode::SWITCHING_PROTOCOLS;
            return Ok(Some(head));
        }
    }

    /// Goes on sending a request whose answer came early. Ready when there is nothing more to send, also because the
    /// upstream or the client failed: then the answer goes on and the connection is not used again.
    pub(crate) fn poll_send_rest(&mut self, cx: &mut Context<'_>, body: &mut RequestBody) -> Poll<()> {
        match ready!(self.poll_send(cx, body)) {
            Ok(()) => {}
            Err(SendError::Io(_) | SendError::Body(_)) => self.sending = Sending::Broken,
        }
        Poll::Ready(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, body: &mut RequestBody) -> Poll<Result<(), SendError>> {
        if matches!(self.sending, Sending::Done | Sending::Broken) {
            return Poll::Ready(Ok(()));
        }
        loop {
            let starved = self.gather(cx, body)?;
            if let Err(error) = ready!(self.poll_write_out(cx)) {
                self.sending = Sending::Broken;
                return Poll::Ready(Err(SendError::Io(error)));
            }
            if starved {
                return Poll::Pending;
            }
            if self.sending == Sending::Flush && self.output.is_empty() {
                self.sending = Sending::Done;
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Moves what the body has into the output, as far as there is room. True when the body has nothing at the moment;
    /// the task is woken when that changes.
    fn gather(&mut self, cx: &mut Context<'_>, body: &mut RequestBody) -> Result<bool, SendError> {
        while self.block.is_empty() && self.output.len() < GATHER {
            if !matches!(self.sending, Sending::Length(_) | Sending::Chunked) {
                return Ok(false);
            }
            match (Pin::new(&mut *body).poll_frame(cx), self.sending) {
                (Poll::Pending, _) => return Ok(true),
                (Poll::Ready(Some(Err(error))), _) => return Err(SendError::Body(error)),
                (Poll::Ready(Some(Ok(frame))), sending) => {
                    // Trailers have no place in a message with a length, and few readers in any other.
                    let Ok(data) = frame.into_data() else { continue };
                    if let Sending::Length(left) = sending {
                        let left = left.checked_sub(data.len() as u64);
                        let left = left.ok_or(SendError::Body(BodyError::Length))?;
                        self.sending = if left == 0 { Sending::Flush } else { Sending::Length(left) };
                    }
                    self.push(data, sending == Sending::Chunked);
                }
                (Poll::Ready(None), Sending::Chunked) => {
                    self.output.extend_from_slice(b"0\r\n\r\n");
                    self.sending = Sending::Flush;
                }
                (Poll::Ready(None), _) => return Err(SendError::Body(BodyError::Length)),
            }
        }
        Ok(false)
    }

    fn push(&mut self, data: Bytes, chunked: bool) {
        if data.is_empty() {
            // An empty chunk would be the last one.
            return;
        }
        if chunked {
            self.output.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        }
        if data.len() > GATHER {
            self.block = data;
            self.block_ends_chunk = chunked;
        } else {
            self.output.extend_from_slice(&data);
            if chunked {
                self.output.extend_from_slice(b"\r\n");
            }
        }
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let rest = self.output.get(self.written..).unwrap_or_default();
            let in_output = !rest.is_empty();
            let bytes = if in_output { rest } else { &self.block };
            if bytes.is_empty() {
                self.output.clear();
                self.written = 0;
                if !std::mem::take(&mut self.block_ends_chunk) {
                    return Pin::new(&mut self.transport).poll_flush(cx);
                }
                self.output.extend_from_slice(b"\r\n");
                continue;
            }
            let written = ready!(Pin::new(&mut self.transport).poll_write(cx, bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.touched = true;
            if in_output {
                self.written += written;
            } else {
                self.block.advance(written);
            }
        }
    }

    /// The next piece of the answer's body; `None` at its end.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, AnswerError>> {
        loop {
            match self.framing {
                Framing::Length(0) => return Poll::Ready(Ok(None)),
                Framing::Length(left) if !self.input.is_empty() => {
                    let length = self.input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.framing = Framing::Length(left - length as u64);
                    return Poll::Ready(Ok(Some(self.take(length))));
                }
                Framing::Close if !self.input.is_empty() => {
                    let length = self.input.len();
                    return Poll::Ready(Ok(Some(self.take(length))));
                }
                Framing::Chunked => match self.chunks.next(&self.input)? {
                    Chunk::Data(length) => return Poll::Ready(Ok(Some(self.take(length)))),
                    Chunk::End => {
                        self.framing = Framing::Length(0);
                        continue;
                    }
                    Chunk::Skip(0) => {}
                    Chunk::Skip(length) => {
                        self.input.advance(length);
                        continue;
                    }
                },
                Framing::Length(_) | Framing::Close => {}
            }
            let room = match self.framing {
                Framing::Length(left) => usize::try_from(left).unwrap_or(LARGE_ROOM).clamp(ROOM, LARGE_ROOM),
                Framing::Chunked | Framing::Close => LARGE_ROOM / 2,
            };
            if ready!(self.poll_fill(cx, room))? == 0 {
                if self.framing == Framing::Close {
                    self.framing = Framing::Length(0);
                    continue;
                }
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
            }
        }
    }

    fn take(&mut self, length: usize) -> Bytes {
        if length < SMALL {
            let bytes = Bytes::copy_from_slice(self.input.get(..length).unwrap_or_default());
            self.input.advance(length);
            bytes
        } else {
            self.input.split_to(length).freeze()
        }
    }

    /// Reads what is there; at least half of `room` is free for it.
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < room / 2 {
            self.input.reserve(room);
        }
        pin!(self.transport.read_buf(&mut self.input)).poll(cx)
    }
}
