//! What a served certificate says of itself.

use aws_lc_rs::digest::{SHA256, digest};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::asn1_rs::Oid;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

/// Kind and size of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with a modulus of so many bits.
    Rsa(usize),
    /// An elliptic curve of so many bits.
    Ec(usize),
    /// DSA.
    Dsa,
    /// Ed25519 or Ed448.
    Edwards,
    /// Something else.
    Unknown,
}

/// A certificate as served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the DER bytes, lower-case hexadecimal.
    pub fingerprint: String,
    /// Subject, as a distinguished name.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Its key.
    pub key: KeyKind,
    /// Hash and algorithm of the signature, as in `sha256WithRSAEncryption`, or the number of another.
    pub signature: String,
    /// Valid from, seconds since 1970.
    pub not_before: i64,
    /// Valid until, seconds since 1970.
    pub not_after: i64,
    /// DNS names and addresses in subjectAltName.
    pub names: Vec<String>,
}

const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "rsassaPss"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.10040.4.3", "sha1WithDSA"),
    ("1.2.840.10045.4.1", "sha1WithECDSA"),
    ("1.2.840.10045.4.3.2", "sha256WithECDSA"),
    ("1.2.840.10045.4.3.3", "sha384WithECDSA"),
    ("1.2.840.10045.4.3.4", "sha512WithECDSA"),
    ("1.3.101.112", "ed25519"),
    ("1.3.101.113", "ed448"),
];

const CURVES: &[(&str, usize)] = &[
    ("1.2.840.10045.3.1.1", 192),
    ("1.3.132.0.33", 224),
    ("1.2.840.10045.3.1.7", 256),
    ("1.3.132.0.10", 256),
    ("1.3.132.0.34", 384),
    ("1.3.132.0.35", 521),
];

impl Certificate {
    /// Reads DER; `None` when it is no certificate.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let oid = |id: &Oid<'_>| id.to_id_string();
        let signature = oid(&read.signature_algorithm.algorithm);
        let known = SIGNATURES.iter().find(|(id, _)| *id == signature);
        let info = read.public_key();
        let curve = || {
            let named = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
            CURVES.iter().find(|(id, _)| *id == oid(&named)).map(|(_, bits)| *bits)
        };
        let key = match info.parsed() {
            Ok(PublicKey::RSA(rsa)) => KeyKind::Rsa(rsa.key_size()),
            Ok(PublicKey::EC(point)) => KeyKind::Ec(curve().unwrap_or_else(|| point.key_size())),
            Ok(PublicKey::DSA(_)) => KeyKind::Dsa,
            _ if oid(&info.algorithm.algorithm).starts_with("1.3.101.") => KeyKind::Edwards,
            _ => KeyKind::Unknown,
        };
        let alternative = read.subject_alternative_name().ok().flatten();
        let names = alternative.map(|found| found.value.general_names.iter().filter_map(name).collect());
        Some(Self {
            fingerprint: digest(&SHA256, der).as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            subject: read.subject().to_string(),
            issuer: read.issuer().to_string(),
            key,
            signature: known.map_or(signature, |(_, name)| (*name).to_owned()),
            not_before: read.validity().not_before.timestamp(),
            not_after: read.validity().not_after.timestamp(),
            names: names.unwrap_or_default(),
        })
    }

    /// Whether it was signed with MD2, MD5 or SHA-1.
    pub fn has_weak_signature(&self) -> bool {
        ["md2", "md5", "sha1"].iter().any(|hash| self.signature.starts_with(hash))
    }

    /// Whether the key is smaller than the seeds allow: RSA 2048, EC 224 (guideline A02).
    pub const fn has_weak_key(&self) -> bool {
        match self.key {
            KeyKind::Rsa(bits) => bits < 2048,
            KeyKind::Ec(bits) => bits < 224,
            KeyKind::Dsa => true,
            KeyKind::Edwards | KeyKind::Unknown => false,
        }
    }

    /// Whether it is its own issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is made for a host name (RFC 9525: subjectAltName only, a wildcard for the first label only).
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.names.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            match (name.strip_prefix("*."), host.split_once('.')) {
                (Some(parent), Some((first, rest))) => !first.is_empty() && parent == rest,
                _ => name == host,
            }
        })
    }
}

fn name(found: &GeneralName<'_>) -> Option<String> {
    match found {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| std::net::Ipv4Addr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}
