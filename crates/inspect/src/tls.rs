//! TLS as a scanner sees it, spoken by the byte, so that it can offer what no sound library would.
//!
//! The parser (`message`) and the writer (`hello`) are pure; sockets are in `connection` alone. Guidelines A08,
//! A09, A13, A14 and A02 rest on what [`survey()`] finds.

mod certificate;
mod cipher;
mod connection;
mod hello;
mod message;
mod session;
mod suites;
mod survey;

pub use certificate::{Certificate, KeyKind};
pub use connection::{Target, TargetError};
pub use suites::{Suite, SuiteTrait};
pub use survey::{Renegotiation, Survey, survey};

/// A protocol version, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// SSL 2.0.
    Ssl2,
    /// SSL 3.0.
    Ssl3,
    /// TLS 1.0.
    Tls10,
    /// TLS 1.1.
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Version {
    /// Every version there has been.
    pub const ALL: [Self; 6] = [Self::Ssl2, Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::Ssl2 => 0x0002,
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2.0",
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }
}

/// A group of a key exchange, by its number at IANA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u16);

impl Group {
    /// Curve25519.
    pub const X25519: Self = Self(29);
    /// NIST P-256.
    pub const P256: Self = Self(23);
    /// ML-KEM-768 together with X25519.
    pub const X25519_MLKEM768: Self = Self(4588);

    /// Groups that ordinary clients offer, and the finite fields of RFC 7919.
    pub const COMMON: &'static [Self] =
        &[Self::X25519, Self::P256, Self(24), Self(25), Self(30), Self(22), Self(256), Self(257), Self(258)];

    const NAMES: &'static [(u16, &'static str, u16)] = &[
        (1, "sect163k1", 163),
        (3, "sect163r2", 163),
        (6, "sect233k1", 233),
        (9, "sect283k1", 283),
        (15, "secp160k1", 160),
        (16, "secp160r1", 160),
        (17, "secp160r2", 160),
        (18, "secp192k1", 192),
        (19, "secp192r1", 192),
        (20, "secp224k1", 224),
        (21, "secp224r1", 224),
        (22, "secp256k1", 256),
        (23, "secp256r1", 256),
        (24, "secp384r1", 384),
        (25, "secp521r1", 521),
        (26, "brainpoolP256r1", 256),
        (27, "brainpoolP384r1", 384),
        (28, "brainpoolP512r1", 512),
        (29, "x25519", 253),
        (30, "x448", 448),
        (256, "ffdhe2048", 2048),
        (257, "ffdhe3072", 3072),
        (258, "ffdhe4096", 4096),
        (259, "ffdhe6144", 6144),
        (260, "ffdhe8192", 8192),
        (4587, "SecP256r1MLKEM768", 256),
        (4588, "X25519MLKEM768", 253),
        (4589, "SecP384r1MLKEM1024", 384),
    ];

    /// Every group that is tried.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().map(|(id, ..)| Self(*id))
    }

    /// Its name, or its number.
    pub fn name(self) -> String {
        let found = Self::NAMES.iter().find(|(id, ..)| *id == self.0);
        found.map_or_else(|| self.0.to_string(), |(_, name, _)| (*name).to_owned())
    }

    /// Size in bits; of a hybrid group that of its classical half; 0 when unknown.
    pub fn bits(self) -> u16 {
        Self::NAMES.iter().find(|(id, ..)| *id == self.0).map_or(0, |(.., bits)| *bits)
    }

    /// Whether it is finite-field Diffie-Hellman.
    pub const fn is_finite_field(self) -> bool {
        self.0 >> 8 == 1
    }
}
