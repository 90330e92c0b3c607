use super::{Frames, PieceKind, Seen, Violation, close, text};
use bytes::BytesMut;

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

#[test]
fn whole_frames_are_taken_off_and_read_back() {
    for length in [0, 5, 125, 126, 65_535, 65_536] {
        let payload = vec![b'x'; length];
        for mask in [None, Some([1, 2, 3, 4])] {
            let mut frames = Frames::new(mask.is_some(), 100_000);
            let whole = text(&payload, mask);
            let mut held = BytesMut::from(&whole[..whole.len() - 1]);
            assert!(frames.take(&mut held).unwrap().is_none(), "{length}: the last byte is missing");
            held.extend_from_slice(&whole[whole.len() - 1..]);
            held.extend_from_slice(&[0xff]);
            let piece = frames.take(&mut held).unwrap().unwrap();
            assert_eq!((piece.kind, piece.last, &piece.payload), (PieceKind::Text, true, &payload));
            assert_eq!((&piece.raw[..], &held[..]), (&whole[..], &[0xff][..]));
            assert_eq!(frames.take(&mut held).unwrap_err(), Violation::Protocol);
        }
    }
    let mut frames = Frames::new(false, 10);
    assert_eq!(frames.take(&mut BytesMut::from(&text(&[0; 11], None)[..2])).unwrap_err(), Violation::TooLarge);
    let mut held = BytesMut::from(&[close(1000, false), text(b"late", None)].concat()[..]);
    assert_eq!(frames.take(&mut held).unwrap().unwrap().kind, PieceKind::Close);
    assert!(frames.take(&mut held).unwrap().is_none(), "nothing follows a close frame");
}
