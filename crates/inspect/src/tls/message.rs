//! What we read: records and handshake messages of a server that may be broken or hostile.

/// Most handshake bytes that are kept of one server: a chain with room to spare.
const MAX_HANDSHAKE: usize = 256 * 1024;

/// A view on bytes that answers `None` at the end instead of reading beyond it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u24(&mut self) -> Option<usize> {
        let high = usize::from(self.u8()?);
        Some(high << 16 | usize::from(self.u16()?))
    }

    /// Bytes behind a length of one byte.
    pub(super) fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    /// Bytes behind a length of two bytes.
    pub(super) fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) kind: u8,
    pub(super) content: Vec<u8>,
}

/// Cuts the first record off a buffer: `None` when more bytes are needed, an error when this is no TLS.
pub(super) fn next_record(buffer: &mut Vec<u8>) -> Result<Option<Record>, NotTls> {
    let mut reader = Reader(buffer);
    let (Some(kind), Some(version)) = (reader.u8(), reader.u16()) else {
        return if buffer.first().is_none_or(|kind| (20..=24).contains(kind)) { Ok(None) } else { Err(NotTls) };
    };
    if !(20..=24).contains(&kind) || version >> 8 != 3 {
        return Err(NotTls);
    }
    let Some(length) = reader.u16() else { return Ok(None) };
    // RFC 5246 section 6.2.3: 2^14 and what a cipher may add.
    if length > (1 << 14) + 2048 {
        return Err(NotTls);
    }
    let Some(content) = reader.take(usize::from(length)) else { return Ok(None) };
    let record = Record { kind, content: content.to_vec() };
    buffer.drain(..5 + usize::from(length));
    Ok(Some(record))
}

/// The answer is not TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotTls;

/// Handshake messages put together from records.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembly(Vec<u8>);

impl Assembly {
    /// Adds the content of a handshake record; false when there is too much.
    pub(super) fn push(&mut self, content: &[u8]) -> bool {
        self.0.extend_from_slice(content);
        self.0.len() <= MAX_HANDSHAKE
    }

    /// The next whole message: its type, its body, and all of its bytes.
    pub(super) fn next(&mut self) -> Option<(u8, Vec<u8>, Vec<u8>)> {
        let mut reader = Reader(&self.0);
        let kind = reader.u8()?;
        let length = reader.u24()?;
        let body = reader.take(length)?.to_vec();
        let whole: Vec<u8> = self.0.drain(..4 + length).collect();
        Some((kind, body, whole))
    }
}

/// A ServerHello, or the HelloRetryRequest of TLS 1.3, which has the same form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    /// Version as negotiated, that is with `supported_versions` regarded.
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) suite: u16,
    pub(super) compression: u8,
    /// It asks for another key share.
    pub(super) retry: bool,
    /// Group of the key share.
    pub(super) group: Option<u16>,
    /// Public value of the key share.
    pub(super) share: Vec<u8>,
    /// Content of `renegotiation_info`.
    pub(super) renegotiation: Option<Vec<u8>>,
    /// `extended_master_secret`, which we never offer.
    pub(super) heartbeat: bool,
}

/// SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Reads the body of a ServerHello.
pub(super) fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader(body);
    let mut version = reader.u16()?;
    let random: [u8; 32] = reader.take(32)?.try_into().ok()?;
    let _session = reader.short()?;
    let suite = reader.u16()?;
    let compression = reader.u8()?;
    let (mut group, mut share, mut renegotiation, mut heartbeat) = (None, Vec::new(), None, false);
    let retry = random == RETRY;
    if !reader.is_empty() {
        let mut extensions = Reader(reader.long()?);
        while !extensions.is_empty() {
            let kind = extensions.u16()?;
            let data = extensions.long()?;
            let mut inner = Reader(data);
            match kind {
                43 => version = inner.u16()?,
                51 => {
                    group = Some(inner.u16()?);
                    if !retry {
                        share = inner.long()?.to_vec();
                    }
                }
                0xff01 => renegotiation = Some(inner.short()?.to_vec()),
                15 => heartbeat = true,
                _ => {}
            }
        }
    }
    Some(ServerHello { version, random, suite, compression, retry, group, share, renegotiation, heartbeat })
}

/// The certificates of a Certificate message of TLS 1.2 and earlier, leaf first, as DER.
pub(super) fn certificates(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader(body);
    let length = reader.u24()?;
    let mut list = Reader(reader.take(length)?);
    let mut chain = Vec::new();
    while !list.is_empty() {
        let length = list.u24()?;
        chain.push(list.take(length)?.to_vec());
    }
    Some(chain)
}

/// The certificates of a Certificate message of TLS 1.3 (RFC 8446 section 4.4.2).
pub(super) fn certificates13(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader(body);
    let _context = reader.short()?;
    let length = reader.u24()?;
    let mut list = Reader(reader.take(length)?);
    let mut chain = Vec::new();
    while !list.is_empty() {
        let length = list.u24()?;
        chain.push(list.take(length)?.to_vec());
        let _extensions = list.long()?;
    }
    Some(chain)
}

/// What a ServerKeyExchange says about the ephemeral key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyExchange {
    /// A named group with the server's public value.
    Curve { group: u16, public: Vec<u8> },
    /// Finite-field Diffie-Hellman: bits of the modulus.
    FiniteField { bits: usize },
}

/// Reads the parameters of a ServerKeyExchange; `curves` says which of the two forms the suite has.
pub(super) fn key_exchange(body: &[u8], curves: bool) -> Option<KeyExchange> {
    let mut reader = Reader(body);
    if curves {
        // 3: named_curve. Explicit curves (1, 2) are read as an unknown group.
        if reader.u8()? != 3 {
            return Some(KeyExchange::Curve { group: 0, public: Vec::new() });
        }
        let group = reader.u16()?;
        return Some(KeyExchange::Curve { group, public: reader.short()?.to_vec() });
    }
    let modulus = reader.long()?;
    let used = modulus.iter().skip_while(|byte| **byte == 0).collect::<Vec<_>>();
    let bits = used.first().map_or(0, |first| used.len() * 8 - first.leading_zeros() as usize);
    Some(KeyExchange::FiniteField { bits })
}

#[cfg(test)]
mod tests {
    use super::{Assembly, NotTls, certificates, key_exchange, next_record, server_hello};

    fn hello() -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0xc0, 0x2f, 0, 0, 5, 0xff, 0x01, 0, 1, 0]);
        body
    }

    #[test]
    fn a_server_hello_is_read() {
        let read = server_hello(&hello()).unwrap();
        assert_eq!((read.version, read.suite, read.compression), (0x0303, 0xc02f, 0));
        assert_eq!(read.renegotiation.as_deref(), Some(&[][..]));
    }

    /// Whatever is cut off or turned over: no panic, and nothing is made of a message that is not whole.
    #[test]
    fn broken_messages_are_nothing() {
        let whole = hello();
        for length in 0..whole.len() {
            let cut = whole.get(..length).unwrap();
            assert!(server_hello(cut).is_none() || length == 38, "{length}");
        }
        for kind in 0..=255_u8 {
            let noise: Vec<u8> = (0..200_u8).map(|i| i.wrapping_mul(kind).wrapping_add(kind)).collect();
            let _ =
                (server_hello(&noise), certificates(&noise), key_exchange(&noise, true), key_exchange(&noise, false));
            let _ = super::certificates13(&noise);
            let mut buffer = noise.clone();
            let _ = next_record(&mut buffer);
        }
    }

    #[test]
    fn records_are_cut_off_one_by_one() {
        let mut buffer = vec![21, 3, 3, 0, 2, 2, 40, 22, 3, 1, 0];
        let first = next_record(&mut buffer).unwrap().unwrap();
        assert_eq!((first.kind, first.content), (21, vec![2, 40]));
        assert_eq!(next_record(&mut buffer), Ok(None));
        assert_eq!(next_record(&mut b"HTTP/1.1 400".to_vec()), Err(NotTls));
        assert_eq!(next_record(&mut vec![22, 3, 3, 0xff, 0xff]), Err(NotTls));
    }

    #[test]
    fn messages_may_span_records_and_must_not_be_endless() {
        let mut assembly = Assembly::default();
        assert!(assembly.push(&[2, 0, 0, 3, 1]));
        assert_eq!(assembly.next(), None);
        assert!(assembly.push(&[2, 3, 14]));
        assert_eq!(assembly.next().map(|m| (m.0, m.1)), Some((2, vec![1, 2, 3])));
        assert!(!assembly.push(&vec![0; 300 * 1024]));
    }

    #[test]
    fn the_size_of_a_modulus_is_counted_in_bits() {
        let mut body = vec![0, 129, 0, 0x80];
        body.extend([1; 127]);
        let read = key_exchange(&body, false).unwrap();
        assert_eq!(read, super::KeyExchange::FiniteField { bits: 1024 });
    }
}
