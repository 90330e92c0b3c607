//! What we send: hellos of every version, byte by byte.

use super::{Group, Suite, Version};

/// A ClientHello before it is written. Nothing in it is secret, so the random bytes may be the same every time.
#[derive(Clone, Debug)]
pub(super) struct ClientHello<'a> {
    /// The newest version that is offered.
    pub version: Version,
    /// Suites, in order of preference.
    pub suites: &'a [Suite],
    /// Groups; empty leaves the extension out.
    pub groups: &'a [Group],
    /// Key shares of TLS 1.3: group and public value. Without one a server that takes part asks for it.
    pub shares: &'a [(Group, Vec<u8>)],
    /// Server name, as in SNI.
    pub name: &'a str,
    /// Compression methods; every server must know 0.
    pub compression: &'a [u8],
    /// Content of `renegotiation_info` (RFC 5746): empty in a first handshake. `None` leaves the extension out.
    pub renegotiation: Option<&'a [u8]>,
    /// 32 bytes.
    pub random: [u8; 32],
    /// Adds the signalling suite against downgrades (RFC 7507).
    pub fallback: bool,
}

impl<'a> ClientHello<'a> {
    /// A hello that offers these suites with everything else as an ordinary client has it.
    pub(super) fn new(version: Version, suites: &'a [Suite], name: &'a str) -> Self {
        Self {
            version,
            suites,
            groups: Group::COMMON,
            shares: &[],
            name,
            compression: &[0],
            renegotiation: Some(&[]),
            random: [0x5a; 32],
            fallback: false,
        }
    }

    /// The handshake message, without a record around it (RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.2).
    pub(super) fn message(&self) -> Vec<u8> {
        let legacy = if self.version == Version::Tls13 { Version::Tls12 } else { self.version };
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(&legacy.number().to_be_bytes());
        body.extend_from_slice(&self.random);
        // An empty session id: nothing is resumed. TLS 1.3 clients send one for the sake of middle boxes only.
        body.push(0);
        let mut suites: Vec<u8> = self.suites.iter().flat_map(|s| s.0.to_be_bytes()).collect();
        if self.fallback {
            suites.extend_from_slice(&[0x56, 0x00]);
        }
        put16(&mut body, &suites);
        put8(&mut body, self.compression);
        if self.version != Version::Ssl3 {
            put16(&mut body, &self.extensions());
        }
        handshake(1, &body)
    }

    /// The message in records of its own.
    pub(super) fn record(&self) -> Vec<u8> {
        // RFC 8446 section 5.1: the first record may say TLS 1.0 for the sake of old servers.
        let version = if self.version == Version::Ssl3 { 0x0300 } else { 0x0301 };
        record(22, version, &self.message())
    }

    fn extensions(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if !self.name.is_empty() {
            let mut entry = vec![0];
            put16(&mut entry, self.name.as_bytes());
            let mut list = Vec::new();
            put16(&mut list, &entry);
            extension(&mut all, 0, &list);
        }
        if !self.groups.is_empty() {
            let groups: Vec<u8> = self.groups.iter().flat_map(|g| g.0.to_be_bytes()).collect();
            let mut list = Vec::new();
            put16(&mut list, &groups);
            extension(&mut all, 10, &list);
            extension(&mut all, 11, &[1, 0]);
        }
        if self.version >= Version::Tls12 {
            let algorithms: Vec<u8> = SIGNATURES.iter().flat_map(|s| s.to_be_bytes()).collect();
            let mut list = Vec::new();
            put16(&mut list, &algorithms);
            extension(&mut all, 13, &list);
        }
        if let Some(data) = self.renegotiation {
            let mut info = Vec::new();
            put8(&mut info, data);
            extension(&mut all, 0xff01, &info);
        }
        if self.version == Version::Tls13 {
            // Only 1.3: a server that does not know it must refuse instead of falling back.
            extension(&mut all, 43, &[2, 0x03, 0x04]);
            let mut entries = Vec::new();
            for (group, share) in self.shares {
                entries.extend_from_slice(&group.0.to_be_bytes());
                put16(&mut entries, share);
            }
            let mut list = Vec::new();
            put16(&mut list, &entries);
            extension(&mut all, 51, &list);
        }
        all
    }
}

/// Signature schemes of today and yesterday, so that a server with an old certificate answers too.
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
    0x0402, 0x0303, 0x0301, 0x0302, 0x0203, 0x0201, 0x0202, 0x0101,
];

/// A CLIENT-HELLO of SSL 2.0 with the seven suites that it ever had.
pub(super) fn ssl2_hello() -> Vec<u8> {
    let suites: &[[u8; 3]] = &[
        [0x01, 0x00, 0x80],
        [0x02, 0x00, 0x80],
        [0x03, 0x00, 0x80],
        [0x04, 0x00, 0x80],
        [0x05, 0x00, 0x80],
        [0x06, 0x00, 0x40],
        [0x07, 0x00, 0xc0],
    ];
    let mut body = vec![1, 0x00, 0x02];
    body.extend_from_slice(&length16(suites.len() * 3));
    body.extend_from_slice(&[0, 0, 0, 16]);
    body.extend(suites.iter().flatten());
    body.extend_from_slice(&[0x5a; 16]);
    let [high, low] = length16(body.len());
    let mut record = vec![high | 0x80, low];
    record.append(&mut body);
    record
}

/// A handshake message.
pub(super) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0];
    message.extend_from_slice(&length16(body.len()));
    message.extend_from_slice(body);
    message
}

/// Records of at most 2^14 bytes each.
pub(super) fn record(kind: u8, version: u16, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 5);
    for chunk in content.chunks(1 << 14) {
        out.push(kind);
        out.extend_from_slice(&version.to_be_bytes());
        put16(&mut out, chunk);
    }
    out
}

fn extension(out: &mut Vec<u8>, kind: u16, data: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    put16(out, data);
}

pub(super) fn put8(out: &mut Vec<u8>, data: &[u8]) {
    out.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(data);
}

pub(super) fn put16(out: &mut Vec<u8>, data: &[u8]) {
    out.extend_from_slice(&length16(data.len()));
    out.extend_from_slice(data);
}

/// Everything that is written here is far below 64 KiB.
fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}
