//! Key schedules and record protection, as far as the prober needs them: TLS 1.2 with AEAD suites, and the server's
//! handshake messages of TLS 1.3.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::digest;
use aws_lc_rs::hmac;

use super::Group;

/// The hash of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    /// The hash that the suite's name ends with.
    pub(super) fn of(suite: &str) -> Self {
        if suite.ends_with("SHA384") { Self::Sha384 } else { Self::Sha256 }
    }

    pub(super) fn digest(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
        };
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    pub(super) fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), data).as_ref().to_vec()
    }

    pub(super) const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The PRF of TLS 1.2 (RFC 5246 section 5).
    pub(super) fn prf(self, secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
        let seed = [label.as_bytes(), seed].concat();
        let (mut out, mut a) = (Vec::new(), seed.clone());
        while out.len() < length {
            a = self.hmac(secret, &a);
            out.extend(self.hmac(secret, &[a.as_slice(), &seed].concat()));
        }
        out.truncate(length);
        out
    }

    /// HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1) for at most one block.
    pub(super) fn expand(self, secret: &[u8], label: &str, context: &[u8], length: usize) -> Vec<u8> {
        let label = format!("tls13 {label}");
        let mut info = u16::try_from(length).unwrap_or_default().to_be_bytes().to_vec();
        super::hello::put8(&mut info, label.as_bytes());
        super::hello::put8(&mut info, context);
        info.push(1);
        let mut out = self.hmac(secret, &info);
        out.truncate(length);
        out
    }
}

/// The private keys of the prober. They protect nothing: what is sent is a hello and an empty request, so they are
/// constants and every run is the same.
const SCALAR: [u8; 32] = [0x42; 32];

/// Our public value for a group that we can compute with.
pub(super) fn public(group: Group) -> Option<Vec<u8>> {
    Some(private(group)?.compute_public_key().ok()?.as_ref().to_vec())
}

/// The shared secret with a peer.
pub(super) fn shared(group: Group, peer: &[u8]) -> Option<Vec<u8>> {
    let key = private(group)?;
    let peer = UnparsedPublicKey::new(key.algorithm(), peer);
    agree(&key, peer, (), |secret| Ok(secret.to_vec())).ok()
}

fn private(group: Group) -> Option<PrivateKey> {
    match group {
        Group::X25519 => PrivateKey::from_private_key(&X25519, &SCALAR).ok(),
        Group::P256 => PrivateKey::from_private_key(&ECDH_P256, &SCALAR).ok(),
        _ => None,
    }
}

/// How a suite encrypts records.
#[derive(Clone, Copy)]
pub(super) struct Aead {
    algorithm: &'static Algorithm,
    /// Bytes of the nonce that stand in each record.
    explicit: usize,
}

impl Aead {
    /// For the suites that the prober can complete a handshake with.
    pub(super) fn of(suite: &str, tls13: bool) -> Option<Self> {
        let explicit = if tls13 { 0 } else { 8 };
        if suite.contains("AES_128_GCM") {
            Some(Self { algorithm: &AES_128_GCM, explicit })
        } else if suite.contains("AES_256_GCM") {
            Some(Self { algorithm: &AES_256_GCM, explicit })
        } else if suite.contains("CHACHA20") {
            Some(Self { algorithm: &CHACHA20_POLY1305, explicit: 0 })
        } else {
            None
        }
    }

    pub(super) fn key_length(self) -> usize {
        self.algorithm.key_len()
    }

    /// Bytes of the nonce that both sides know.
    pub(super) const fn fixed(self) -> usize {
        12 - self.explicit
    }
}

/// One direction of a protected connection.
pub(super) struct Direction {
    aead: Aead,
    key: LessSafeKey,
    iv: Vec<u8>,
    sequence: u64,
}

impl Direction {
    pub(super) fn new(aead: Aead, key: &[u8], iv: &[u8]) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(aead.algorithm, key).ok()?);
        Some(Self { aead, key, iv: iv.to_vec(), sequence: 0 })
    }

    fn nonce(&self, explicit: &[u8]) -> Option<Nonce> {
        let bytes: Vec<u8> = if self.aead.explicit > 0 {
            [self.iv.as_slice(), explicit].concat()
        } else {
            let padded = [[0; 4].as_slice(), &self.sequence.to_be_bytes()].concat();
            self.iv.iter().zip(padded).map(|(a, b)| a ^ b).collect()
        };
        Nonce::try_assume_unique_for_key(&bytes).ok()
    }

    fn aad12(&self, kind: u8, length: usize) -> Vec<u8> {
        let mut aad = self.sequence.to_be_bytes().to_vec();
        aad.extend_from_slice(&[kind, 3, 3]);
        aad.extend_from_slice(&u16::try_from(length).unwrap_or_default().to_be_bytes());
        aad
    }

    /// Seals the content of a TLS 1.2 record.
    pub(super) fn seal(&mut self, kind: u8, content: &[u8]) -> Option<Vec<u8>> {
        let explicit = self.sequence.to_be_bytes();
        let aad = self.aad12(kind, content.len());
        let mut sealed = content.to_vec();
        self.key.seal_in_place_append_tag(self.nonce(&explicit)?, Aad::from(aad), &mut sealed).ok()?;
        self.sequence += 1;
        let front = if self.aead.explicit > 0 { explicit.as_slice() } else { &[] };
        Some([front, &sealed].concat())
    }

    /// Opens the content of a TLS 1.2 record.
    pub(super) fn open(&mut self, kind: u8, content: &[u8]) -> Option<Vec<u8>> {
        let (explicit, sealed) = content.split_at_checked(self.aead.explicit)?;
        let aad = self.aad12(kind, sealed.len().checked_sub(16)?);
        let mut opened = sealed.to_vec();
        let length = self.key.open_in_place(self.nonce(explicit)?, Aad::from(aad), &mut opened).ok()?.len();
        opened.truncate(length);
        self.sequence += 1;
        Some(opened)
    }

    /// Opens a TLS 1.3 record: its true kind and content.
    pub(super) fn open13(&mut self, content: &[u8]) -> Option<(u8, Vec<u8>)> {
        let [high, low] = u16::try_from(content.len()).ok()?.to_be_bytes();
        let mut opened = content.to_vec();
        let aad = Aad::from([23, 3, 3, high, low]);
        let length = self.key.open_in_place(self.nonce(&[])?, aad, &mut opened).ok()?.len();
        self.sequence += 1;
        opened.truncate(length);
        while opened.last() == Some(&0) {
            opened.pop();
        }
        let kind = opened.pop()?;
        Some((kind, opened))
    }
}

#[cfg(test)]
mod tests {
    use super::{Hash, public, shared};
    use crate::tls::Group;

    /// The vector of the TLS 1.2 PRF with SHA-256 that implementers publish for want of one in the RFC.
    #[test]
    fn the_prf_gives_the_known_answer() {
        let hex = |text: &str| -> Vec<u8> {
            let digit = |c: u8| (c as char).to_digit(16).unwrap() as u8;
            text.as_bytes().chunks(2).map(|p| digit(p[0]) << 4 | digit(p[1])).collect()
        };
        let out = Hash::Sha256.prf(
            &hex("9bbe436ba940f017b17652849a71db35"),
            "test label",
            &hex("a0ba9f936cda311827a6f796ffd5198c"),
            16,
        );
        assert_eq!(out, hex("e3f229ba727be17b8d122620557cd453"));
    }

    #[test]
    fn both_groups_agree_with_themselves() {
        for group in [Group::X25519, Group::P256] {
            let ours = public(group).unwrap();
            assert_eq!(shared(group, &ours).map(|s| s.len()), Some(32));
        }
        assert!(public(Group(24)).is_none());
        assert!(shared(Group::P256, &[4; 65]).is_none());
    }
}
