//! The local certificate authority of an installation and the server certificates it issues.

use crate::keystore::encode_pem;
use model::{Rng, Secret, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::pki_types::pem::SectionKind;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::IpAddr;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// How long the local authority is valid: ten years.
const CA_VALIDITY: Duration = Duration::from_hours(24 * 3652);
/// How long a server certificate is valid; browsers refuse more than 398 days.
const LEAF_VALIDITY: Duration = Duration::from_hours(24 * 397);
/// Certificates begin earlier than now, for peers whose clock is slow.
const BACKDATED: Duration = Duration::from_hours(1);
const MAX_NAMES: usize = 100;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A name that can stand in no certificate.
    #[error(
        "'{name}' is neither a host name nor an IP address. Fix: use a name such as api.example.com, *.example.com or 192.0.2.10"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// No name, or too many.
    #[error("a server certificate needs 1 to {MAX_NAMES} names, {count} were given. Fix: set [server] hostname")]
    NameCount {
        /// How many were given.
        count: usize,
    },
    /// The library refused.
    #[error("the certificate cannot be made: {0}")]
    Library(#[from] rcgen::Error),
    /// Key generation failed.
    #[error("the key cannot be made: the cryptographic library refused")]
    Key,
}

/// A certificate authority with its key.
pub struct CertificateAuthority {
    certificate: CertificateDer<'static>,
    key: Secret<PrivateKeyDer<'static>>,
}

impl CertificateAuthority {
    /// From an existing certificate and its key; that they belong together is the caller's check.
    pub fn new(certificate: CertificateDer<'static>, key: Secret<PrivateKeyDer<'static>>) -> Self {
        Self { certificate, key }
    }

    /// The certificate, for trust stores.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The form in which the library signs with it.
    pub(crate) fn issuer(&self) -> Result<Issuer<'static, KeyPair>, GenerateError> {
        Ok(Issuer::from_ca_cert_der(&self.certificate, key_pair(&self.key)?)?)
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        encode_pem(SectionKind::Certificate, &self.certificate).expose().clone()
    }
}

/// A certificate with its chain and key.
pub struct IssuedCertificate {
    /// The chain without the root, own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: Secret<PrivateKeyDer<'static>>,
}

impl IssuedCertificate {
    /// The chain as PEM.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|c| encode_pem(SectionKind::Certificate, c).expose().clone()).collect()
    }
}

/// A fresh ECDSA P-256 private key.
pub(crate) fn generate_p256() -> Result<Secret<PrivateKeyDer<'static>>, GenerateError> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(Secret::new(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()))))
}

/// Makes a self-signed authority with a fresh ECDSA P-256 key, valid ten years, which can issue end-entity
/// certificates only. `name` becomes its common name; the serial number comes from `rng`.
///
/// # Errors
/// [`GenerateError`] when the library refuses.
pub fn generate_ca(name: &str, now: Timestamp, rng: &dyn Rng) -> Result<CertificateAuthority, GenerateError> {
    certify_ca(name, generate_p256()?, now, rng)
}

/// As [`generate_ca`], for a key that exists.
pub(crate) fn certify_ca(
    name: &str,
    key: Secret<PrivateKeyDer<'static>>,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<CertificateAuthority, GenerateError> {
    let mut params = params(now, CA_VALIDITY, rng);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key_pair(&key)?)?.der().clone();
    Ok(CertificateAuthority { certificate, key })
}

/// Issues a server certificate with a fresh ECDSA P-256 key, valid 397 days, for DNS names (a leading `*.` is allowed)
/// and IP addresses, all in the subject alternative name.
///
/// # Errors
/// [`GenerateError`] for a bad name or none, or when the library refuses.
pub fn issue_server_certificate(
    ca: &CertificateAuthority,
    names: &[String],
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<IssuedCertificate, GenerateError> {
    certify_server(ca, names, generate_p256()?, now, rng)
}

/// As [`issue_server_certificate`], for a key that exists.
pub(crate) fn certify_server(
    ca: &CertificateAuthority,
    names: &[String],
    key: Secret<PrivateKeyDer<'static>>,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<IssuedCertificate, GenerateError> {
    if names.is_empty() || names.len() > MAX_NAMES {
        return Err(GenerateError::NameCount { count: names.len() });
    }
    let mut params = params(now, LEAF_VALIDITY, rng);
    params.subject_alt_names = names.iter().map(|n| alternative_name(n)).collect::<Result<_, _>>()?;
    // A common name has at most 64 characters (RFC 5280, A.1); peers look at the alternative names only.
    let common = names.iter().find(|n| n.len() <= 64).map_or("Portcullis", String::as_str);
    params.distinguished_name.push(DnType::CommonName, common);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key_pair(&key)?, &ca.issuer()?)?;
    Ok(IssuedCertificate { chain: vec![certificate.der().clone()], key })
}

fn key_pair(key: &Secret<PrivateKeyDer<'static>>) -> Result<KeyPair, GenerateError> {
    Ok(KeyPair::from_der_and_sign_algo(key.expose(), &PKCS_ECDSA_P256_SHA256)?)
}

fn params(now: Timestamp, validity: Duration, rng: &dyn Rng) -> CertificateParams {
    let begin = Timestamp::from_seconds(now.seconds().saturating_sub_unsigned(BACKDATED.as_secs()));
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = begin.to_utc();
    params.not_after = begin.plus(validity).to_utc();
    let mut serial = [0; 16];
    rng.fill(&mut serial);
    // Positive and without leading zero, so that it has the same length in every reader (RFC 5280, 4.1.2.2).
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params
}

fn alternative_name(name: &str) -> Result<SanType, GenerateError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let bad = || GenerateError::BadName { name: name.to_owned() };
    let host = name.strip_prefix("*.").unwrap_or(name);
    DnsName::try_from(host).map_err(|_| bad())?;
    // A wildcard directly above a top-level domain is refused by every peer.
    if host.len() != name.len() && !host.contains('.') {
        return Err(bad());
    }
    Ok(SanType::DnsName(name.to_ascii_lowercase().try_into().map_err(|_| bad())?))
}

/// How long before its end a certificate of our own is issued again.
pub(crate) const RENEW_BEFORE: Duration = Duration::from_secs(30 * DAY.as_secs());

#[cfg(test)]
mod tests;
