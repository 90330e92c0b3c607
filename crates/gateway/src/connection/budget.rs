//! What one HTTP/2 connection may send in a second besides requests and data.
//!
//! The protocol has frames that cost the sender nothing and never end a stream: resets, pings, settings, empty data. The library
//! bounds what they make it remember, not how often they come. So frame heads are counted on their way in; whoever goes beyond
//! any honest client is cut.

/// Bytes of the client's preface (RFC 9113 section 3.4).
const PREFACE: usize = 24;
/// Bytes of a frame head (section 4.1).
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;

/// Kinds of frames that are counted, with how many of them may come in a second.
#[derive(Clone, Copy)]
enum Kind {
    /// A browser that leaves a page resets what it still waits for.
    Reset = 0,
    /// Pings, settings, priorities and frames of unknown types. Some clients ping once in a round trip while data flows.
    Control = 1,
    /// Data without data that ends nothing.
    Empty = 2,
    /// One for each piece of an answer that was read.
    Window = 3,
    /// Pieces of field sections.
    Continuation = 4,
}

const MOST: [u32; 5] = [200, 1_000, 100, 20_000, 1_000];

/// The count of one connection.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes to pass over: the rest of the preface or of a payload.
    skip: usize,
    head: [u8; HEAD],
    have: usize,
    second: u64,
    counts: [u32; MOST.len()],
    requests: u32,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { skip: PREFACE, head: [0; HEAD], have: 0, second: 0, counts: [0; MOST.len()], requests: 0 }
    }

    /// Counts the frames that begin in these bytes; false when there are too many in this second.
    pub(super) fn allows(&mut self, mut bytes: &[u8], second: u64) -> bool {
        if self.second != second {
            (self.second, self.counts, self.requests) = (second, [0; MOST.len()], 0);
        }
        while !bytes.is_empty() {
            if self.skip > 0 {
                let step = self.skip.min(bytes.len());
                self.skip -= step;
                bytes = bytes.get(step..).unwrap_or_default();
                continue;
            }
            let step = (HEAD - self.have).min(bytes.len());
            let (piece, rest) = bytes.split_at_checked(step).unwrap_or((bytes, &[]));
            if let Some(place) = self.head.get_mut(self.have..self.have + step) {
                place.copy_from_slice(piece);
            }
            self.have += step;
            bytes = rest;
            if self.have == HEAD && !self.frame() {
                return false;
            }
        }
        true
    }

    fn frame(&mut self) -> bool {
        let [high, middle, low, kind, flags, ..] = self.head;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        (self.skip, self.have) = (length, 0);
        let kind = match kind {
            HEADERS => {
                self.requests = self.requests.saturating_add(1);
                return true;
            }
            DATA if length > 0 || flags & END_STREAM != 0 => return true,
            DATA => Kind::Empty,
            RST_STREAM => Kind::Reset,
            WINDOW_UPDATE => Kind::Window,
            CONTINUATION => Kind::Continuation,
            _ => Kind::Control,
        };
        // A proxy passes on the resets of many clients, but never of more than half of what they ask for.
        let resets = if matches!(kind, Kind::Reset) { self.requests / 2 } else { 0 };
        let most = MOST.get(kind as usize).copied().unwrap_or(0).saturating_add(resets);
        self.counts.get_mut(kind as usize).is_some_and(|count| {
            *count += 1;
            *count <= most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, CONTINUATION, DATA, HEADERS, RST_STREAM, WINDOW_UPDATE};

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], &vec![0; payload]].concat()
    }

    fn begun() -> Budget {
        let mut budget = Budget::new();
        assert!(budget.allows(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1));
        budget
    }

    #[test]
    fn each_kind_has_its_number() {
        for (kind, flags, payload, most) in [
            (RST_STREAM, 0, 4, 200),
            (4, 0, 0, 1000),
            (6, 0, 8, 1000),
            (2, 0, 5, 1000),
            (0xfa, 0, 3, 1000),
            (DATA, 0, 0, 100),
            (CONTINUATION, 0, 1, 1000),
            (WINDOW_UPDATE, 0, 4, 20_000),
        ] {
            let mut budget = begun();
            let one = frame(kind, flags, payload);
            assert!(budget.allows(&one.repeat(most), 1), "{kind}");
            assert!(!budget.allows(&one, 1), "{kind}");
            assert!(budget.allows(&one, 2), "another second, {kind}");
        }
    }

    #[test]
    fn resets_are_measured_by_requests() {
        let pair = [frame(HEADERS, 5, 20), frame(RST_STREAM, 0, 4)].concat();
        let mut budget = begun();
        assert!(budget.allows(&pair.repeat(400), 1));
        assert!(!budget.allows(&pair.repeat(2), 1), "every request is reset");
        let few = [frame(HEADERS, 5, 20).repeat(3), frame(RST_STREAM, 0, 4)].concat();
        assert!(begun().allows(&few.repeat(10_000), 1), "one in three");
    }

    #[test]
    fn requests_and_data_are_not_counted() {
        let mut budget = begun();
        assert!(budget.allows(&frame(HEADERS, 5, 20).repeat(10_000), 1));
        assert!(budget.allows(&frame(DATA, 0, 1).repeat(10_000), 1));
        assert!(budget.allows(&frame(DATA, 1, 0).repeat(10_000), 1));
    }

    #[test]
    fn frames_are_found_in_any_slices() {
        let stream = [frame(HEADERS, 4, 33), frame(RST_STREAM, 0, 4), frame(DATA, 0, 300)].concat().repeat(150);
        let stream = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), stream].concat();
        for size in [1, 7, 64, 1000] {
            let mut budget = Budget::new();
            assert!(stream.chunks(size).all(|piece| budget.allows(piece, 1)), "{size}");
            assert_eq!(budget.counts[0], 150, "{size}");
        }
        // What lies in a payload is no frame.
        let mut budget = begun();
        let payload = frame(RST_STREAM, 0, 4).repeat(1000);
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let hidden = [&length[1..], &[DATA, 0, 0, 0, 0, 1], &payload[..]].concat();
        assert!(budget.allows(&hidden, 1));
    }
}
