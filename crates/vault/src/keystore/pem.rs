//! PEM: certificates and unencrypted private keys (RFC 7468).

use super::{KeyEntry, Keystore, KeystoreError, MAX_CHAIN, MAX_ENTRIES, TrustedCertificate, damaged};
use model::Secret;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(super) fn read(bytes: &[u8]) -> Result<Keystore, KeystoreError> {
    let certificates = certificates(bytes)?;
    if !has_key(bytes) {
        let trusted = |certificate| TrustedCertificate { alias: String::new(), certificate };
        return Ok(Keystore { keys: Vec::new(), trusted: certificates.into_iter().map(trusted).collect() });
    }
    if certificates.len() > MAX_CHAIN {
        return Err(damaged(format!("a key with a chain of more than {MAX_CHAIN} certificates")));
    }
    let entry = KeyEntry { alias: String::new(), chain: certificates, key: key(bytes)? };
    Ok(Keystore { keys: vec![entry], trusted: Vec::new() })
}

pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, KeystoreError> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        if found.len() == MAX_ENTRIES {
            return Err(damaged(format!("more than {MAX_ENTRIES} certificates")));
        }
        found.push(certificate.map_err(|e| damaged(format!("a PEM block is broken ({e})")))?);
    }
    Ok(found)
}

pub(super) fn key(bytes: &[u8]) -> Result<Secret<PrivateKeyDer<'static>>, KeystoreError> {
    if contains(bytes, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || contains(bytes, b"Proc-Type: 4,ENCRYPTED") {
        return Err(KeystoreError::Unsupported {
            what: "a PEM private key under a passphrase (a PKCS#12 file keeps key and passphrase)".to_owned(),
        });
    }
    let key = PrivateKeyDer::from_pem_slice(bytes).map_err(|e| damaged(format!("no private key in PEM ({e})")))?;
    Ok(Secret::new(key))
}

fn has_key(bytes: &[u8]) -> bool {
    contains(bytes, b"PRIVATE KEY-----")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}

/// The PEM text of one block, lines of 64 characters.
pub(crate) fn encode(kind: SectionKind, der: &[u8]) -> Secret<String> {
    use base64::Engine;
    let label = match kind {
        SectionKind::Certificate => "CERTIFICATE",
        _ => "PRIVATE KEY",
    };
    let body = Secret::new(base64::engine::general_purpose::STANDARD.encode(der));
    let mut text = format!("-----BEGIN {label}-----\n");
    text.reserve_exact(body.expose().len() / 64 * 65 + 128);
    for (index, character) in body.expose().chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    Secret::new(text)
}
