//! The frames of one direction (RFC 6455 section 5), looked at without being taken apart.

use bytes::BytesMut;
use std::ops::AddAssign;

/// Bytes of the largest frame head: two, a length of eight, a mask of four.
pub(crate) const MAX_HEAD: usize = 14;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Why a direction is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Not a frame, or not in its place.
    Protocol,
    /// A message beyond the cap.
    TooLarge,
}

/// What went by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Messages that began.
    pub(crate) messages: u32,
    /// Ping, pong and close frames, and pieces of messages after the first.
    pub(crate) others: u32,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.others = self.others.saturating_add(other.others);
    }
}

/// Reader of one direction.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Whether frames have to be masked: a client's are, a server's are not.
    masked: bool,
    /// Most bytes of a message.
    cap: u64,
    /// Bytes of the current frame's payload that are still to come.
    left: u64,
    /// Bytes of the message so far, while it is unfinished.
    message: Option<u64>,
    closed: bool,
}

/// One whole frame.
#[derive(Debug)]
pub(crate) struct Piece {
    /// As it came, head and mask included.
    pub(crate) raw: BytesMut,
    /// What it carries, without the mask.
    pub(crate) payload: Vec<u8>,
    /// What kind of frame it is.
    pub(crate) kind: PieceKind,
    /// Whether it ends its message.
    pub(crate) last: bool,
}

/// Kinds of frames, as far as anybody looks at them one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PieceKind {
    /// Begins a text.
    Text,
    /// Begins something else.
    Binary,
    /// Goes on with a message.
    More,
    /// Says goodbye.
    Close,
    /// Ping or pong.
    Control,
}

struct FrameHead {
    length: usize,
    payload: u64,
    opcode: u8,
    last: bool,
}

impl Frames {
    /// Frames of a client (masked) or a server.
    pub(crate) const fn new(masked: bool, cap: u64) -> Self {
        Self { masked, cap, left: 0, message: None, closed: false }
    }

    /// Whether a close frame went by as a whole.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed && self.left == 0
    }

    /// Whether a frame of our own may be put behind what was passed on.
    pub(crate) const fn is_between(&self) -> bool {
        self.left == 0
    }

    /// How many of the bytes may be passed on now, and why the rest may not. Bytes beyond that without a violation are an
    /// incomplete frame head and have to be shown again with what follows them. What follows a close frame is passed over.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> (usize, Seen, Result<(), Violation>) {
        let mut seen = Seen::default();
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if self.left > 0 {
                let step = rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= step as u64;
                at += step;
                if self.left > 0 {
                    return (at, seen, Ok(()));
                }
                continue;
            }
            if self.closed {
                return (at, seen, Ok(()));
            }
            match self.head(rest) {
                Ok(None) => return (at, seen, Ok(())),
                Ok(Some(head)) => {
                    seen += self.begin(&head);
                    at += head.length;
                }
                Err(violation) => return (at, seen, Err(violation)),
            }
        }
    }

    /// Takes the next frame off the front once it is there as a whole. At most the cap of a message, and a head, wait in
    /// `held` for that. What follows a close frame is never taken.
    pub(crate) fn take(&mut self, held: &mut BytesMut) -> Result<Option<Piece>, Violation> {
        if self.closed {
            return Ok(None);
        }
        let Some(head) = self.head(held)? else { return Ok(None) };
        let payload = usize::try_from(head.payload).map_err(|_| Violation::TooLarge)?;
        let whole = head.length.saturating_add(payload);
        if held.len() < whole {
            return Ok(None);
        }
        self.begin(&head);
        self.left = 0;
        let raw = held.split_to(whole);
        let mut payload = raw.get(head.length..).unwrap_or_default().to_vec();
        if self.masked {
            let key = raw.get(head.length - 4..head.length).unwrap_or_default();
            payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        let kind = match head.opcode {
            TEXT => PieceKind::Text,
            BINARY => PieceKind::Binary,
            CONTINUATION => PieceKind::More,
            CLOSE => PieceKind::Close,
            _ => PieceKind::Control,
        };
        Ok(Some(Piece { raw, payload, kind, last: head.last }))
    }

    /// Takes note of a frame whose head is sound.
    fn begin(&mut self, head: &FrameHead) -> Seen {
        self.left = head.payload;
        match head.opcode {
            CLOSE => self.closed = true,
            PING | PONG => {}
            _ => {
                let so_far = self.message.unwrap_or(0).saturating_add(head.payload);
                self.message = if head.last { None } else { Some(so_far) };
                if head.opcode != CONTINUATION {
                    return Seen { messages: 1, others: 0 };
                }
            }
        }
        Seen { messages: 0, others: 1 }
    }

    fn head(&self, bytes: &[u8]) -> Result<Option<FrameHead>, Violation> {
        let Some(first) = bytes.first() else { return Ok(None) };
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        let control = opcode >= CLOSE;
        let known = matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG);
        let in_place = control || (opcode == CONTINUATION) == self.message.is_some();
        // No extension was agreed on, so the reserved bits mean nothing.
        if first & 0x70 != 0 || !known || !in_place || control && !last {
            return Err(Violation::Protocol);
        }
        let Some(second) = bytes.get(1) else { return Ok(None) };
        let short = second & 0x7f;
        if (second & 0x80 != 0) != self.masked || control && short > 125 || opcode == CLOSE && short == 1 {
            return Err(Violation::Protocol);
        }
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some(length) = bytes.get(2..2 + extended) else { return Ok(None) };
        let long = length.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let payload = if extended == 0 { u64::from(short) } else { long };
        // The shortest form is the only one, and the highest bit is not used.
        if extended == 2 && long < 126 || extended == 8 && (long < 1 << 16 || long >> 63 != 0) {
            return Err(Violation::Protocol);
        }
        let whole = if control { 0 } else { self.message.unwrap_or(0).saturating_add(payload) };
        if whole > self.cap {
            return Err(Violation::TooLarge);
        }
        let length = 2 + extended + if self.masked { 4 } else { 0 };
        if bytes.len() < length {
            return Ok(None);
        }
        Ok(Some(FrameHead { length, payload, opcode, last }))
    }
}

/// A close frame with a code. Towards a server it is masked, with a key of zeros: nobody else can choose its content, which
/// is what masking is about.
pub(crate) fn close(code: u16, masked: bool) -> Vec<u8> {
    let [high, low] = code.to_be_bytes();
    if masked { vec![0x88, 0x82, 0, 0, 0, 0, high, low] } else { vec![0x88, 0x02, high, low] }
}

/// A text in one frame; masked with the key towards a server.
pub(crate) fn text(payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = Vec::with_capacity(payload.len() + MAX_HEAD);
    frame.push(0x80 | TEXT);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => frame.push(bit | short),
        (_, Ok(medium)) => {
            frame.push(bit | 126);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            frame.push(bit | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    match mask {
        None => frame.extend_from_slice(payload),
        Some(key) => {
            frame.extend_from_slice(&key);
            frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        }
    }
    frame
}

#[cfg(test)]
mod tests;
