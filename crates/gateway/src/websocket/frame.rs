//! The frames of one direction (RFC 6455 section 5), looked at without being taken apart.

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

#[cfg(test)]
mod tests {
    use super::{Frames, Seen, Violation, close};

    fn scan(frames: &mut Frames, bytes: &[u8]) -> (usize, u32, u32, Option<Violation>) {
        let (good, Seen { messages, others }, outcome) = frames.scan(bytes);
        (good, messages, others, outcome.err())
    }

    fn server(bytes: &[u8]) -> Option<Violation> {
        scan(&mut Frames::new(false, 1000), bytes).3
    }

    #[test]
    fn frames_pass_in_any_slices() {
        let mut stream = Vec::new();
        stream.extend_from_slice(&[0x81, 0x85, 1, 2, 3, 4]);
        stream.extend_from_slice(b"hello");
        stream.extend_from_slice(&[0x02, 0xfe, 0x01, 0x00, 9, 9, 9, 9]);
        stream.extend_from_slice(&[7; 256]);
        stream.extend_from_slice(&[0x89, 0x80, 0, 0, 0, 0]);
        stream.extend_from_slice(&[0x80, 0x80, 0, 0, 0, 0]);
        stream.extend_from_slice(&close(1000, true));
        for size in 1..stream.len() {
            let mut frames = Frames::new(true, 1000);
            let (mut pending, mut passed, mut total) = (Vec::new(), 0, Seen::default());
            for piece in stream.chunks(size) {
                pending.extend_from_slice(piece);
                let (good, seen, outcome) = frames.scan(&pending);
                assert_eq!(outcome, Ok(()));
                total += seen;
                passed += good;
                pending.drain(..good);
            }
            assert_eq!((passed, pending.len()), (stream.len(), 0), "pieces of {size}");
            assert_eq!(total, Seen { messages: 2, others: 3 });
            assert!(frames.is_closed());
        }
    }

    #[test]
    fn what_is_not_a_frame_is_refused() {
        let protocol = Some(Violation::Protocol);
        for (bytes, reason) in [
            (&[0xc1, 0x00][..], "a reserved bit"),
            (&[0x83, 0x00], "a reserved opcode"),
            (&[0x8b, 0x00], "a reserved control opcode"),
            (&[0x81, 0x80, 0, 0, 0, 0], "a masked frame of a server"),
            (&[0x09, 0x00], "a fragmented ping"),
            (&[0x89, 0x7e, 0, 126], "a long ping"),
            (&[0x88, 0x01, 0], "a close frame of one byte"),
            (&[0x80, 0x00], "a continuation of nothing"),
            (&[0x01, 0x00, 0x81, 0x00], "a message within a message"),
            (&[0x82, 0x7e, 0, 125], "a length that is not the shortest"),
            (&[0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff], "a long length that is not the shortest"),
            (&[0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], "a length with the highest bit"),
        ] {
            assert_eq!(server(bytes), protocol, "{reason}");
        }
        assert_eq!(scan(&mut Frames::new(true, 9), &[0x81, 0x00]).3, protocol, "an unmasked frame of a client");
    }

    #[test]
    fn a_message_has_a_cap_in_one_frame_or_in_many() {
        assert_eq!(server(&[0x82, 0x7e, 0x03, 0xe8]), None);
        assert_eq!(server(&[0x82, 0x7e, 0x03, 0xe9]), Some(Violation::TooLarge));
        assert_eq!(server(&[0x82, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(Violation::TooLarge));
        let mut frames = Frames::new(false, 8);
        assert_eq!(
            scan(&mut frames, &[0x02, 4, 0, 0, 0, 0, 0x00, 4, 1, 1, 1, 1, 0x80, 1]),
            (12, 1, 1, Some(Violation::TooLarge))
        );
    }

    #[test]
    fn what_is_sound_before_a_violation_is_told_apart() {
        let mut frames = Frames::new(false, 1000);
        assert_eq!(scan(&mut frames, &[0x81, 2, b'h', b'i', 0xff]), (4, 1, 0, Some(Violation::Protocol)));
        assert!(frames.is_between());
    }

    #[test]
    fn nothing_passes_behind_a_close_frame() {
        let mut frames = Frames::new(false, 1000);
        let mut bytes = close(1001, false);
        bytes.extend_from_slice(&[0x81, 2, b'h', b'i']);
        assert_eq!(scan(&mut frames, &bytes), (4, 0, 1, None));
        assert!(frames.is_closed());
        assert_eq!(scan(&mut frames, &bytes[4..]), (0, 0, 0, None));
    }
}
