//! The certificate rules of guideline A02, as a pure function over DER.

mod public_wso2;
mod summary;

use aws_lc_rs::digest::{SHA256, digest};
use model::Timestamp;
use public_wso2::PUBLIC_CERTIFICATES;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt::{self, Write};
pub use summary::{CertificateSummary, summarise_certificate};
use x509_parser::asn1_rs::{Any, Oid, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// The smallest RSA modulus, in bits.
pub const MIN_RSA_BITS: usize = 2048;
/// The smallest elliptic curve, in bits.
pub const MIN_EC_BITS: usize = 224;

/// What a certificate is for; the rules differ a little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificatePurpose {
    /// Presented by a listener or a client in TLS, or used to sign tokens.
    Identity,
    /// Trusted as an issuer: its own signature is never checked by anybody, so its hash does not matter.
    TrustAnchor,
}

/// Which rule of guideline A02 a certificate breaks. The numbers are stable and never used again for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateRule {
    /// A02.1: one of the certificates that WSO2 publishes with its private key.
    PublicDefault,
    /// A02.2: an RSA key below 2048 bits, or a key type that is not supported.
    WeakRsa,
    /// A02.3: an elliptic curve below 224 bits.
    WeakCurve,
    /// A02.4: signed with MD5 or SHA-1.
    WeakSignature,
    /// A02.5: the time of validity is over.
    Expired,
    /// A02.6: the time of validity has not begun.
    NotYetValid,
    /// A02.7: the private key belongs to another certificate.
    KeyMismatch,
    /// A02.8: no certificate, or bytes that are none.
    Unreadable,
}

impl CertificateRule {
    /// The id of the check, as in the audit's report.
    pub const fn id(self) -> &'static str {
        match self {
            Self::PublicDefault => "A02.1",
            Self::WeakRsa => "A02.2",
            Self::WeakCurve => "A02.3",
            Self::WeakSignature => "A02.4",
            Self::Expired => "A02.5",
            Self::NotYetValid => "A02.6",
            Self::KeyMismatch => "A02.7",
            Self::Unreadable => "A02.8",
        }
    }

    /// What should be instead.
    pub const fn desired(self) -> &'static str {
        match self {
            Self::PublicDefault => "a certificate whose private key nobody else has",
            Self::WeakRsa => "an RSA key of at least 2048 bits, or an elliptic curve key",
            Self::WeakCurve => "an elliptic curve of at least 224 bits, best P-256",
            Self::WeakSignature => "a signature with SHA-256 or better",
            Self::Expired => "a certificate that is valid today",
            Self::NotYetValid => "a certificate that is valid today, and a clock that is right",
            Self::KeyMismatch => "the private key of the first certificate",
            Self::Unreadable => "an X.509 certificate",
        }
    }

    /// What to do.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::NotYetValid => "check the clock of this machine, or wait until the certificate is valid",
            Self::KeyMismatch => "put certificate and key of the same issue in place, the server's certificate first",
            Self::Unreadable => "name a PEM, PKCS#12 or JKS file with the server's certificate first",
            _ => {
                "get a new certificate with a new key, or remove the [keystore] entry from deployment.toml, so that Portcullis uses the one it made itself"
            }
        }
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFault {
    /// The rule.
    pub rule: CertificateRule,
    /// Which certificate of the chain, from 0, the own one first.
    pub index: usize,
    /// What was seen, with the subject of the certificate.
    pub observed: String,
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, index, observed } = self;
        write!(
            f,
            "{}: certificate {}: {observed}; wanted: {}. Fix: {}",
            rule.id(),
            index + 1,
            rule.desired(),
            rule.fix()
        )
    }
}

/// The SHA-256 of a certificate's DER form, as upper-case hexadecimal without separators.
pub fn certificate_fingerprint(certificate: &CertificateDer<'_>) -> String {
    digest(&SHA256, certificate).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// The WSO2 product that ships a certificate, if one does.
pub fn public_default_product(certificate: &CertificateDer<'_>) -> Option<&'static str> {
    let fingerprint = certificate_fingerprint(certificate);
    PUBLIC_CERTIFICATES.iter().find(|p| p.sha256 == fingerprint).map(|p| p.product)
}

/// Checks a chain, and the key when it is given. Empty when every rule holds.
///
/// The own certificate (the first) is checked by all rules; the issuers above it too, except that the signature of a
/// self-signed issuer does not matter because nobody relies on it.
pub fn check_certificate(
    chain: &[CertificateDer<'_>],
    key: Option<&PrivateKeyDer<'_>>,
    now: Timestamp,
    purpose: CertificatePurpose,
) -> Vec<CertificateFault> {
    let mut faults = Vec::new();
    if chain.is_empty() {
        faults.push(fault(CertificateRule::Unreadable, 0, "there is no certificate".to_owned()));
    }
    for (index, der) in chain.iter().enumerate() {
        if let Some(product) = public_default_product(der) {
            let observed =
                format!("the certificate that is published with {product}; its private key is known to everybody");
            faults.push(fault(CertificateRule::PublicDefault, index, observed));
        }
        let Ok((rest, certificate)) = X509Certificate::from_der(der) else {
            faults.push(fault(CertificateRule::Unreadable, index, "these bytes are no certificate".to_owned()));
            continue;
        };
        if !rest.is_empty() {
            faults.push(fault(CertificateRule::Unreadable, index, "bytes after the end of the certificate".to_owned()));
        }
        check_one(&certificate, index, now, purpose, &mut faults);
        if let (0, Some(key)) = (index, key) {
            check_key(&certificate, key, &mut faults);
        }
    }
    faults
}

fn fault(rule: CertificateRule, index: usize, observed: String) -> CertificateFault {
    CertificateFault { rule, index, observed }
}

fn check_one(
    certificate: &X509Certificate<'_>,
    index: usize,
    now: Timestamp,
    purpose: CertificatePurpose,
    faults: &mut Vec<CertificateFault>,
) {
    let subject = certificate.subject().to_string();
    let mut add = |rule, what: String| faults.push(fault(rule, index, format!("{what} ({subject})")));
    if let Some((rule, what)) = weak_key(certificate.public_key()) {
        add(rule, what);
    }
    let self_signed = certificate.subject().as_raw() == certificate.issuer().as_raw();
    let relied_upon = !self_signed || (index == 0 && purpose == CertificatePurpose::Identity);
    if let Some(name) = weak_signature(&certificate.signature_algorithm).filter(|_| relied_upon) {
        add(CertificateRule::WeakSignature, format!("signed with {name}"));
    }
    let validity = certificate.validity();
    let from = Timestamp::from_seconds(validity.not_before.timestamp());
    let until = Timestamp::from_seconds(validity.not_after.timestamp());
    if now < from {
        add(CertificateRule::NotYetValid, format!("valid from {}, now it is {}", from.rfc3339(), now.rfc3339()));
    }
    // The last second of the validity is part of it (RFC 5280, 4.1.2.5).
    if now.seconds() > until.seconds() {
        add(CertificateRule::Expired, format!("valid until {}, now it is {}", until.rfc3339(), now.rfc3339()));
    }
}

fn weak_key(info: &SubjectPublicKeyInfo<'_>) -> Option<(CertificateRule, String)> {
    const ED25519: Oid<'static> = oid!(1.3.101.112);
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => {
            let bits = bit_length(key.modulus);
            (bits < MIN_RSA_BITS).then(|| (CertificateRule::WeakRsa, format!("an RSA key of {bits} bits")))
        }
        Ok(PublicKey::EC(point)) => {
            let bits = point_bits(point.data());
            (bits < MIN_EC_BITS).then(|| (CertificateRule::WeakCurve, format!("an elliptic curve of {bits} bits")))
        }
        _ if info.algorithm.algorithm == ED25519 => None,
        _ => Some((CertificateRule::WeakRsa, format!("a key of type {}", info.algorithm.algorithm))),
    }
}

fn bit_length(big_endian: &[u8]) -> usize {
    let significant = big_endian.iter().skip_while(|b| **b == 0);
    let first = significant.clone().next().map_or(0, |b| b.leading_zeros());
    (significant.count() * 8).saturating_sub(usize::try_from(first).unwrap_or(0))
}

/// The size of the field by the length of an encoded point (SEC 1, 2.3.3).
fn point_bits(point: &[u8]) -> usize {
    match point.split_first() {
        Some((2 | 3, x)) => x.len() * 8,
        Some((4, xy)) => xy.len() / 2 * 8,
        _ => 0,
    }
}

fn weak_signature(algorithm: &AlgorithmIdentifier<'_>) -> Option<&'static str> {
    const SHA1: Oid<'static> = oid!(1.3.14.3.2.26);
    const WEAK: [(Oid<'static>, &str); 8] = [
        (oid!(1.2.840.113549.1.1.2), "MD2"),
        (oid!(1.2.840.113549.1.1.3), "MD4"),
        (oid!(1.2.840.113549.1.1.4), "MD5"),
        (oid!(1.2.840.113549.1.1.5), "SHA-1"),
        (oid!(1.3.14.3.2.29), "SHA-1"),
        (oid!(1.2.840.10040.4.3), "SHA-1"),
        (oid!(1.3.14.3.2.27), "SHA-1"),
        (oid!(1.2.840.10045.4.1), "SHA-1"),
    ];
    const RSA_PSS: Oid<'static> = oid!(1.2.840.113549.1.1.10);
    if algorithm.algorithm == RSA_PSS {
        // The hash is a parameter, and SHA-1 when it is left out (RFC 4055, 3.1).
        let parameters = algorithm.parameters.as_ref().and_then(|p: &Any<'_>| RsaSsaPssParams::try_from(p).ok());
        let sha1 = parameters.is_none_or(|p| *p.hash_algorithm_oid() == SHA1);
        return sha1.then_some("SHA-1");
    }
    WEAK.iter().find(|(id, _)| *id == algorithm.algorithm).map(|(_, name)| *name)
}

fn check_key(certificate: &X509Certificate<'_>, key: &PrivateKeyDer<'_>, faults: &mut Vec<CertificateFault>) {
    // A key that is too weak is refused already; the library does not even load it.
    if faults.iter().any(|f| matches!(f.rule, CertificateRule::WeakRsa | CertificateRule::WeakCurve)) {
        return;
    }
    let observed = match any_supported_type(key).map(|k| k.public_key().map(|p| p.to_vec())) {
        Ok(Some(public)) if public == certificate.public_key().raw => return,
        Ok(_) => "the private key does not belong to this certificate",
        Err(_) => "the private key cannot be read or is of a type that TLS does not use",
    };
    faults.push(fault(CertificateRule::KeyMismatch, 0, observed.to_owned()));
}

#[cfg(test)]
mod tests;
