//! Server-sent events on their way through (the HTML standard, section 9.2): streamed as they come, each charged like a call.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Body, Frame};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::Instant;

use crate::body::{BodyError, Upstream};
use crate::entitlement::{Entitlement, LOOK};
use crate::upstream::transport::Alarm;

/// Whether an answer is a stream of events.
pub(crate) fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// A stream of events. It ends when the upstream ends it, and when its caller may not go on.
pub(crate) struct Events {
    upstream: Upstream,
    entitlement: Entitlement,
    counter: Counter,
    alarm: Alarm,
    last_look: Instant,
    /// Whether the gateway ended it.
    refused: bool,
}

impl Events {
    /// The events of an answer.
    pub(crate) fn new(upstream: Upstream, entitlement: Entitlement) -> Self {
        let last_look = Instant::now();
        Self { upstream, entitlement, counter: Counter::default(), alarm: Alarm::default(), last_look, refused: false }
    }

    /// The next piece. What a limit refuses is not passed on, and the stream ends: a client that comes again is told why.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.refused {
            return Poll::Ready(None);
        }
        // An upstream that never pauses, and never ends an event, is looked at as well.
        if self.entitlement.is_outdated() || self.last_look.elapsed() >= LOOK {
            self.last_look = Instant::now();
            if !self.entitlement.renew() {
                self.refused = true;
                return Poll::Ready(None);
            }
        }
        match Pin::new(&mut self.upstream).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let events = frame.data_ref().map_or(0, |data| self.counter.count(data));
                if events > 0 && self.entitlement.charge(events).is_err() {
                    self.refused = true;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other),
            Poll::Pending => {
                while self.alarm.expired(cx, self.last_look + LOOK) {
                    self.last_look = Instant::now();
                    if !self.entitlement.renew() {
                        self.refused = true;
                        return Poll::Ready(None);
                    }
                }
                Poll::Pending
            }
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.refused || self.upstream.is_end_stream()
    }

    /// Whether the gateway ended it before the upstream did.
    pub(crate) const fn is_refused(&self) -> bool {
        self.refused
    }
}

/// Counts events: blocks that end with an empty line and hold more than comments.
#[derive(Debug, Default)]
struct Counter {
    /// Bytes of the current line so far, and whether it is a comment.
    line: Line,
    /// Whether the block has a line that is no comment.
    filled: bool,
    /// Whether the last byte was CR: a LF behind it ends no other line.
    after_return: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    #[default]
    Empty,
    Comment,
    Field,
}

impl Counter {
    fn count(&mut self, bytes: &[u8]) -> u32 {
        let mut events = 0;
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', rest);
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            if let (Line::Empty, Some(start)) = (self.line, line.first()) {
                self.line = if *start == b':' { Line::Comment } else { Line::Field };
            }
            let Some(end) = end else { break };
            match std::mem::take(&mut self.line) {
                Line::Field => self.filled = true,
                Line::Comment => {}
                Line::Empty => events += u32::from(std::mem::take(&mut self.filled)),
            }
            self.after_return = rest.get(end) == Some(&b'\r');
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn events_are_counted_in_any_slices() {
        let stream = b": hello\n\ndata: 1\n\nevent: x\r\ndata: 2\r\n\r\n\r\n:\n\nid: 3\r\r\n\ndata: 4\ndata: 5\n\ndata: unfinished\n";
        for size in 1..stream.len() {
            let mut counter = Counter::default();
            let events: u32 = stream.chunks(size).map(|piece| counter.count(piece)).sum();
            assert_eq!(events, 4, "pieces of {size}");
        }
    }
}
