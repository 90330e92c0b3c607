//! Where one HTTP/1 message ends and the next one begins, judged before the parser sees it (RFC 9112; threat model row 6).
//!
//! The parser forgives what others on the way read differently: a length beside a coding, a length twice, a line that ends with
//! LF alone. Here such a message is spoiled from that byte on, so that the parser refuses it with 400 and closes. Whatever the
//! parser refuses by itself is left to it.

/// Bytes of a line that are kept when it comes in pieces: more than any name and value that matter here.
const KEPT: usize = 64;
/// What spoils a message: never allowed in a head, nor where the length of a chunk stands.
const SPOIL: u8 = 0;
const LENGTH: &[u8] = b"content-length";
const CODING: &[u8] = b"transfer-encoding";

/// What comes next on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A line of a head; the first one, or a field.
    Head { first: bool },
    /// So many bytes of a body.
    Body(u64),
    /// The line in front of a chunk.
    ChunkSize,
    /// So many bytes of a chunk, and the line end behind it.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// A line behind the last chunk.
    Trailer,
    /// Nothing that could be trusted.
    Spoiled,
}

/// The framing of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    next: Next,
    /// The line under way, as far as it came in earlier pieces.
    kept: [u8; KEPT],
    /// Its length, which may be more than is kept, and its last byte.
    length: usize,
    last: u8,
    /// What the head under way says of its body.
    declared: Option<u64>,
    chunked: bool,
}

impl Framing {
    pub(super) const fn new() -> Self {
        let next = Next::Head { first: true };
        Self { next, kept: [0; KEPT], length: 0, last: 0, declared: None, chunked: false }
    }

    /// Whether a message was spoiled: nothing that comes later is read.
    pub(super) fn is_spoiled(&self) -> bool {
        self.next == Next::Spoiled
    }

    /// Follows bytes that were read, and spoils them from the first one that must not be believed.
    pub(super) fn follow(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let step = match self.next {
                Next::Spoiled => None,
                Next::Body(left) => Some(self.pass(left, rest.len(), false)),
                Next::Chunk(left) => Some(self.pass(left, rest.len(), true)),
                Next::Head { .. } | Next::ChunkSize | Next::ChunkEnd | Next::Trailer => self.line(rest),
            };
            let Some(step) = step else {
                // What stands in front of the line end may reach the parser as it came; nothing behind it does.
                let spoiled = std::mem::replace(&mut self.next, Next::Spoiled) == Next::Spoiled;
                let end = if spoiled { 0 } else { memchr::memchr(b'\n', rest).unwrap_or(0) };
                bytes.get_mut(at + end..).unwrap_or_default().fill(SPOIL);
                return;
            };
            at += step;
        }
    }

    fn pass(&mut self, left: u64, have: usize, in_chunk: bool) -> usize {
        let step = usize::try_from(left).unwrap_or(usize::MAX).min(have);
        let left = left - step as u64;
        self.next = match (left, in_chunk) {
            (0, true) => Next::ChunkEnd,
            (0, false) => Next::Head { first: true },
            (left, true) => Next::Chunk(left),
            (left, false) => Next::Body(left),
        };
        step
    }

    /// Takes a line or a piece of one; `None` when it must not be believed.
    fn line(&mut self, rest: &[u8]) -> Option<usize> {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            self.keep(rest);
            return Some(rest.len());
        };
        let piece = rest.get(..end).unwrap_or_default();
        if self.length == 0 {
            let line = piece.strip_suffix(b"\r")?;
            self.whole(line, line.len())?;
        } else {
            self.keep(piece);
            if self.last != b'\r' {
                return None;
            }
            let length = std::mem::take(&mut self.length) - 1;
            let kept = self.kept;
            self.whole(kept.get(..length.min(KEPT)).unwrap_or_default(), length)?;
        }
        Some(end + 1)
    }

    fn keep(&mut self, piece: &[u8]) {
        if let Some(last) = piece.last() {
            self.last = *last;
        }
        if let Some(place) = self.kept.get_mut(self.length.min(KEPT)..) {
            let room = place.len().min(piece.len());
            if let (Some(place), Some(piece)) = (place.get_mut(..room), piece.get(..room)) {
                place.copy_from_slice(piece);
            }
        }
        self.length = self.length.saturating_add(piece.len());
    }

    /// Takes a whole line without its end; `length` is how long it was, of which `line` may be only the beginning.
    fn whole(&mut self, line: &[u8], length: usize) -> Option<()> {
        self.next = match self.next {
            // Empty lines in front of a request are passed over (section 2.2).
            Next::Head { first: true } if length == 0 => self.next,
            Next::Head { first: true } => {
                (self.declared, self.chunked) = (None, false);
                Next::Head { first: false }
            }
            Next::Head { first: false } if length == 0 => match (self.chunked, self.declared) {
                (true, Some(_)) => return None,
                (true, None) => Next::ChunkSize,
                (false, None | Some(0)) => Next::Head { first: true },
                (false, Some(length)) => Next::Body(length),
            },
            Next::Head { first: false } => {
                self.field(line, length)?;
                self.next
            }
            Next::ChunkSize => match chunk_size(line)? {
                0 => Next::Trailer,
                size => Next::Chunk(size),
            },
            Next::ChunkEnd if length == 0 => Next::ChunkSize,
            Next::Trailer if length == 0 => Next::Head { first: true },
            Next::Trailer => Next::Trailer,
            Next::ChunkEnd | Next::Body(_) | Next::Chunk(_) | Next::Spoiled => return None,
        };
        Some(())
    }

    /// Takes note of a field that frames the body.
    fn field(&mut self, line: &[u8], length: usize) -> Option<()> {
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T')) {
            return Some(());
        }
        if let Some(value) = value_of(line, LENGTH) {
            // Twice is refused even when both agree: others may take the first one of a list, or none.
            if length > KEPT || self.declared.is_some() || value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                return None;
            }
            self.declared = Some(std::str::from_utf8(value).ok()?.parse().ok()?);
        } else if let Some(value) = value_of(line, CODING) {
            if length > KEPT || self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            self.chunked = true;
        }
        Some(())
    }
}

/// The value of a line that is the named field. `Content-Length-Something` is another one; what stands between name and colon
/// is the parser's to refuse.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name)).map(<[u8]>::trim_ascii)
}

/// The length of a chunk; extensions are the parser's to judge.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at_checked(digits)?;
    let ended = matches!(rest.first(), None | Some(b';' | b' ' | b'\t'));
    let sound = ended && !digits.is_empty() && digits.len() <= 16;
    sound.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Framing, Next};

    /// What reaches the parser, in pieces of a size.
    fn seen(raw: &str, size: usize) -> (String, Next) {
        let mut framing = Framing::new();
        let mut bytes = raw.as_bytes().to_vec();
        bytes.chunks_mut(size).for_each(|piece| framing.follow(piece));
        (String::from_utf8(bytes).unwrap(), framing.next)
    }

    #[test]
    fn sound_messages_pass_as_they_came() {
        let long = "x".repeat(200);
        let raw = format!(
            "\r\nGET / HTTP/1.1\r\nHost: a\r\nContent-Length-X: 1\r\nX-{long}: y\r\n\r\n\
             POST / HTTP/1.1\r\ncontent-length:  12 \r\n\r\nbare\nlf\rbody\
             POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\n\n\n\n\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n\
             POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nPUT / HTTP/1.1\r\n\r\n"
        );
        for size in 1..raw.len() + 1 {
            assert_eq!(seen(&raw, size), (raw.clone(), Next::Head { first: true }), "pieces of {size}");
        }
    }

    #[test]
    fn what_others_read_differently_is_spoiled() {
        let padded = format!("Content-Length:{}3\r\n", " ".repeat(80));
        for (head, body) in [
            ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"),
            ("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
            ("CONTENT-LENGTH: 3, 3\r\n", "abc"),
            ("Content-Length: +3\r\n", "abc"),
            ("Content-Length:\r\n", "abc"),
            ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            ("X: y\nZ: z\r\n", ""),
            ("X: y\n", ""),
            (&padded, "abc"),
            ("Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "3\r\nabcX\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "x\r\nabc\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "0\r\nX: y\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "11111111111111111\r\n"),
        ] {
            let raw = format!("POST / HTTP/1.1\r\n{head}\r\n{body}GET /smuggled HTTP/1.1\r\n\r\n");
            for size in 1..raw.len() + 1 {
                let (bytes, next) = seen(&raw, size);
                assert_eq!(next, Next::Spoiled, "{raw:?} in pieces of {size}");
                assert!(!bytes.contains("smuggled") && bytes.contains('\0'), "{raw:?} in pieces of {size}: {bytes:?}");
                assert_eq!(bytes.len(), raw.len());
            }
        }
    }
}
