//! Heads of upstream answers (RFC 9112 sections 4 to 6), read more strictly than the RFC asks: where two readers could
//! disagree about the end of an answer, the answer is refused.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, SERVER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::mem::MaybeUninit;

/// Bytes of an answer's head, interim answers counted on their own.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// Header fields of an answer.
const MAX_FIELDS: usize = 128;

/// An answer that is not understood without doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// Not HTTP/1, a line without CRLF, a folded or wrong field.
    #[error("the head of the answer is not well-formed HTTP/1.1")]
    Head,
    /// More than [`MAX_HEAD`] bytes or [`MAX_FIELDS`] fields.
    #[error("the head of the answer is too large")]
    TooLarge,
    /// Two lengths, a length beside a transfer coding, an unknown coding, a length that is no number.
    #[error("the length of the answer is ambiguous")]
    Length,
    /// A chunk that is not well-formed.
    #[error("a chunk of the answer is not well-formed")]
    Chunk,
    /// Interim answers without end.
    #[error("too many interim answers")]
    Interim,
}

/// How the body of an answer ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After this many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    Close,
}

/// A parsed head.
#[derive(Debug)]
pub(crate) struct Head {
    /// Status.
    pub(crate) status: StatusCode,
    /// Fields, hop-by-hop ones among them.
    pub(crate) headers: HeaderMap,
    /// How the body ends.
    pub(crate) framing: Framing,
    /// Whether the upstream keeps the connection after the answer.
    pub(crate) keep_alive: bool,
}

/// Finds the end of a head, looking only at bytes from `from` on. Every line must end with CRLF.
pub(crate) fn end_of_head(bytes: &[u8], from: usize) -> Result<Option<usize>, Malformed> {
    let start = bytes.get(..bytes.len().min(7)).unwrap_or_default();
    if !b"HTTP/1.".starts_with(start) {
        return Err(Malformed::Head);
    }
    for at in memchr::memchr_iter(b'\n', bytes.get(from..).unwrap_or_default()) {
        let line_feed = from + at;
        let line = bytes.get(..=line_feed).unwrap_or_default();
        if line.ends_with(b"\r\n\r\n") {
            return if line.len() > MAX_HEAD { Err(Malformed::TooLarge) } else { Ok(Some(line.len())) };
        }
        if !line.ends_with(b"\r\n") {
            return Err(Malformed::Head);
        }
    }
    if bytes.len() > MAX_HEAD { Err(Malformed::TooLarge) } else { Ok(None) }
}

/// Parses a whole head, the empty line included. `method` is the request's.
pub(crate) fn parse(head: &[u8], method: &Method) -> Result<Head, Malformed> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, head, &mut fields);
    match parsed {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(Malformed::Head),
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::TooLarge),
        Err(_) => return Err(Malformed::Head),
    }
    let status = response.code.filter(|code| *code < 600).and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Malformed::Head)?;
    // One copy for all values, which then share it.
    let shared = Bytes::copy_from_slice(head);
    let mut headers = HeaderMap::with_capacity(response.headers.len() + 2);
    let mut closes = false;
    for field in response.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed::Head)?;
        if name == CONNECTION {
            let close = field.value.eq_ignore_ascii_case(b"close");
            closes |= close;
            if close || field.value.eq_ignore_ascii_case(b"keep-alive") {
                // About this hop and nothing else, as it is in nearly every answer: not worth a place in the map.
                continue;
            }
        }
        if name == SERVER {
            // Nobody behind this may see what product the upstream is: it costs less to leave it out than to take it out.
            continue;
        }
        let start = (field.value.as_ptr() as usize).wrapping_sub(head.as_ptr() as usize);
        let value = if field.value.is_empty() {
            HeaderValue::from_static("")
        } else {
            let end = start.saturating_add(field.value.len());
            let bytes = shared.get(start..end).map(|_| shared.slice(start..end)).ok_or(Malformed::Head)?;
            HeaderValue::from_maybe_shared(bytes).map_err(|_| Malformed::Head)?
        };
        headers.try_append(name, value).map_err(|_| Malformed::TooLarge)?;
    }
    let current = response.version == Some(1);
    let framing = framing(&mut headers, status, method, current)?;
    let keep_alive = current && !closes && !says_close(&headers) && !matches!(framing, Framing::Close);
    Ok(Head { status, headers, framing, keep_alive })
}

fn framing(headers: &mut HeaderMap, status: StatusCode, method: &Method, current: bool) -> Result<Framing, Malformed> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = match (codings.next(), codings.next()) {
        (None, _) => false,
        // HTTP/1.0 does not know codings, so the sender and whoever stands between disagree already.
        (Some(coding), None) if current && coding.as_bytes().eq_ignore_ascii_case(b"chunked") => true,
        _ => return Err(Malformed::Length),
    };
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => None,
        (Some(length), None) => Some(decimal(length.as_bytes()).ok_or(Malformed::Length)?),
        _ => return Err(Malformed::Length),
    };
    if chunked && length.is_some() {
        return Err(Malformed::Length);
    }
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
        return Ok(Framing::Length(0));
    }
    if method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        return Ok(Framing::Length(0));
    }
    Ok(match length {
        _ if chunked => Framing::Chunked,
        Some(length) => Framing::Length(length),
        None => Framing::Close,
    })
}

/// `1*DIGIT` that fits; no sign, no list.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

fn says_close(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Decodes chunked bodies (RFC 9112 section 7.1). Extensions are skipped, trailers dropped; both are bounded.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    state: ChunkState,
    /// Bytes of extensions and trailers so far.
    extra: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ChunkState {
    /// Before the first digit of a size.
    #[default]
    Start,
    /// In a size.
    Size(u64),
    /// In an extension.
    Extension(u64),
    /// After the CR of a size line.
    SizeLineFeed(u64),
    /// In data.
    Data(u64),
    /// After data.
    DataReturn,
    DataLineFeed,
    /// At the start of a trailer line.
    Trailer,
    /// In a trailer line.
    TrailerLine,
    /// After the CR of a trailer line.
    TrailerLineFeed,
    /// After the CR of the last line.
    LastLineFeed,
    Done,
}

/// What [`Chunks::next`] found at the start of the bytes it was given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// This many bytes are framing and are to be skipped.
    Skip(usize),
    /// This many bytes are data.
    Data(usize),
    /// The body is over.
    End,
}

/// Most bytes of all extensions and trailers of one body.
const MAX_EXTRA: usize = 16 * 1024;

impl Chunks {
    /// Looks at the start of `bytes`. `Skip(0)` asks for more bytes; the caller skips or takes what the answer says before
    /// it asks again.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Chunk, Malformed> {
        if let ChunkState::Data(left) = self.state {
            let take = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let left = left - take as u64;
            self.state = if left == 0 { ChunkState::DataReturn } else { ChunkState::Data(left) };
            return Ok(if take == 0 { Chunk::Skip(0) } else { Chunk::Data(take) });
        }
        for (index, byte) in bytes.iter().enumerate() {
            if self.state == ChunkState::Done {
                return Ok(if index == 0 { Chunk::End } else { Chunk::Skip(index) });
            }
            if matches!(self.state, ChunkState::Data(_)) {
                return Ok(Chunk::Skip(index));
            }
            self.state = self.step(*byte).ok_or(Malformed::Chunk)?;
        }
        Ok(if self.state == ChunkState::Done && bytes.is_empty() { Chunk::End } else { Chunk::Skip(bytes.len()) })
    }

    fn step(&mut self, byte: u8) -> Option<ChunkState> {
        use ChunkState::*;
        let digit = char::from(byte).to_digit(16).map(u64::from);
        Some(match (self.state, byte) {
            (Start, _) => Size(digit?),
            (Size(size) | Extension(size), b'\r') => SizeLineFeed(size),
            (Size(size), b';') => Extension(size),
            // 2^60 and more would overflow with the next digit; no honest chunk is as large.
            (Size(size), _) => Size((size >> 56 == 0).then_some(size << 4 | digit?)?),
            (Extension(size), _) => {
                self.extra(byte)?;
                Extension(size)
            }
            (SizeLineFeed(0), b'\n') => Trailer,
            (SizeLineFeed(size), b'\n') => Data(size),
            (DataReturn, b'\r') => DataLineFeed,
            (DataLineFeed, b'\n') => Start,
            (Trailer, b'\r') => LastLineFeed,
            (TrailerLine, b'\r') => TrailerLineFeed,
            (Trailer | TrailerLine, _) => {
                self.extra(byte)?;
                TrailerLine
            }
            (TrailerLineFeed, b'\n') => Trailer,
            (LastLineFeed, b'\n') => Done,
            _ => return None,
        })
    }

    fn extra(&mut self, byte: u8) -> Option<()> {
        self.extra += 1;
        let visible = byte == b'\t' || byte >= b' ' && byte != 0x7f;
        (visible && self.extra <= MAX_EXTRA).then_some(())
    }
}

#[cfg(test)]
mod tests;
