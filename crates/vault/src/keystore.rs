//! Reading key stores: PEM, PKCS#12, JKS, and the certificates of JCEKS.
//!
//! Input may come from anybody: every length is checked before it is used, and a damaged store is an error, never a
//! panic. To add a format: a file in `keystore/`, a variant of [`KeystoreFormat`], its mark in [`KeystoreFormat::detect`].

mod inspect;
mod jks;
mod pem;
mod pkcs12;

pub use inspect::{InspectedEntry, Inspection, inspect_keystore};
pub(crate) use pem::encode as encode_pem;

use crate::private_file::{self, PrivateFileError};
use model::Secret;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// The longest key store that is read, in bytes.
pub const MAX_KEYSTORE: u64 = 16 << 20;
const MAX_ENTRIES: usize = 10_000;
const MAX_CHAIN: usize = 32;

/// The format of a key store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeystoreFormat {
    /// Text blocks between `-----BEGIN` and `-----END`.
    Pem,
    /// RFC 7292; what Java calls PKCS12, usual suffixes `.p12` and `.pfx`.
    Pkcs12,
    /// Sun's format, the default of Java before version 9 and of WSO2 before 4.3.
    Jks,
    /// Sun's second format; only its certificates can be read.
    Jceks,
}

impl KeystoreFormat {
    /// Tells the format by the first bytes; the suffix of a file name is often wrong.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xfe, 0xed, 0xfe, 0xed, ..] => Some(Self::Jks),
            [0xce, 0xce, 0xce, 0xce, ..] => Some(Self::Jceks),
            [0x30, 0x80..=0x84, ..] => Some(Self::Pkcs12),
            _ if bytes.windows(10).take(64 * 1024).any(|w| w == b"-----BEGIN") => Some(Self::Pem),
            _ => None,
        }
    }
}

/// A private key with the certificate chain that belongs to it, own certificate first.
pub struct KeyEntry {
    /// Its name in the store; `""` for PEM.
    pub alias: String,
    /// The chain, own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key.
    pub key: Secret<PrivateKeyDer<'static>>,
}

/// A certificate that the store declares as trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCertificate {
    /// Its name in the store; `""` for PEM.
    pub alias: String,
    /// The certificate.
    pub certificate: CertificateDer<'static>,
}

/// The content of a key store, in the order of the store.
#[derive(Default)]
pub struct Keystore {
    /// Private keys.
    pub keys: Vec<KeyEntry>,
    /// Trusted certificates.
    pub trusted: Vec<TrustedCertificate>,
}

impl Keystore {
    /// The key entry with an alias (without regard to case, as Java's stores do); without an alias the only one.
    ///
    /// # Errors
    /// [`KeystoreError::NoSuchKey`] names the aliases that exist.
    pub fn into_key(self, alias: Option<&str>) -> Result<KeyEntry, KeystoreError> {
        let known: Vec<_> = self.keys.iter().map(|k| k.alias.clone()).collect();
        let mut matching = self.keys.into_iter().filter(|k| alias.is_none_or(|a| k.alias.eq_ignore_ascii_case(a)));
        match (matching.next(), matching.next()) {
            (Some(entry), None) => Ok(entry),
            (None, _) => Err(KeystoreError::NoSuchKey { wanted: alias.unwrap_or("(any)").to_owned(), known }),
            (Some(_), Some(_)) => Err(KeystoreError::ManyKeys { known }),
        }
    }
}

/// The passwords of a key store.
#[derive(Clone)]
pub struct KeystorePasswords {
    /// Protects the store; for PEM unused.
    pub store: Secret<String>,
    /// Protects the private keys, when it is another one than that of the store.
    pub key: Option<Secret<String>>,
}

impl KeystorePasswords {
    /// One password for the store and its keys.
    pub fn same(password: Secret<String>) -> Self {
        Self { store: password, key: None }
    }

    fn for_keys(&self) -> &str {
        self.key.as_ref().unwrap_or(&self.store).expose()
    }
}

/// Why a key store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// No known mark at the start.
    #[error(
        "this is no PEM, PKCS#12, JKS or JCEKS file. Fix: name a key store, or convert it: keytool -importkeystore -srckeystore OLD -destkeystore new.p12 -deststoretype PKCS12"
    )]
    UnknownFormat,
    /// The bytes do not follow the format.
    #[error("the key store is damaged or cut short: {reason}. Fix: copy it again from its source")]
    Damaged {
        /// What does not fit.
        reason: String,
    },
    /// The password of the store does not open it.
    #[error(
        "the password does not open the key store, or the store was altered. Fix: check it with: keytool -list -keystore FILE"
    )]
    WrongPassword,
    /// The store opens, a key in it does not.
    #[error("the password does not open the private key '{alias}'. Fix: give its own password as key_password")]
    WrongKeyPassword {
        /// The key.
        alias: String,
    },
    /// A protection that is too weak or too rare to be supported.
    #[error(
        "{what} is not supported. Fix: convert the store: keytool -importkeystore -srckeystore OLD -destkeystore new.p12 -deststoretype PKCS12"
    )]
    Unsupported {
        /// What it is.
        what: String,
    },
    /// No key with that alias.
    #[error("the key store has no private key '{wanted}'; it has {}. Fix: name one of them as alias", list(known))]
    NoSuchKey {
        /// The alias asked for.
        wanted: String,
        /// The aliases of the keys that exist.
        known: Vec<String>,
    },
    /// Several keys and no alias.
    #[error("the key store has several private keys: {}. Fix: name one of them as alias", list(known))]
    ManyKeys {
        /// The aliases of the keys that exist.
        known: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn damaged(reason: impl Into<String>) -> KeystoreError {
    KeystoreError::Damaged { reason: reason.into() }
}

/// Reads a key store of any supported format.
///
/// # Errors
/// [`KeystoreError`], each with the way out.
pub fn read_keystore(bytes: &[u8], passwords: &KeystorePasswords) -> Result<Keystore, KeystoreError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_KEYSTORE {
        return Err(damaged(format!("it is longer than {MAX_KEYSTORE} bytes")));
    }
    match KeystoreFormat::detect(bytes).ok_or(KeystoreError::UnknownFormat)? {
        KeystoreFormat::Pem => pem::read(bytes),
        KeystoreFormat::Pkcs12 => pkcs12::read(bytes, passwords),
        KeystoreFormat::Jks => jks::read(bytes, passwords, KeystoreFormat::Jks),
        KeystoreFormat::Jceks => jks::read(bytes, passwords, KeystoreFormat::Jceks),
    }
}

/// Reads a key store file that holds private keys: it must be closed to other users of the machine.
///
/// # Errors
/// [`KeystoreError`], each with the way out.
pub fn read_keystore_file(path: &Path, passwords: &KeystorePasswords) -> Result<Keystore, KeystoreError> {
    let bytes = private_file::read_private(path, MAX_KEYSTORE)?;
    read_keystore(bytes.expose(), passwords)
}

/// The certificates of a PEM text, in order; other blocks are skipped.
///
/// # Errors
/// [`KeystoreError::Damaged`] when a block is broken.
pub fn read_pem_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, KeystoreError> {
    pem::certificates(bytes)
}

/// The certificates of an uploaded file: PEM with any number, or the DER form of one.
///
/// # Errors
/// [`KeystoreError::Damaged`] when a block is broken or the bytes hold no certificate.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, KeystoreError> {
    if KeystoreFormat::detect(bytes) == Some(KeystoreFormat::Pem) {
        return read_pem_certificates(bytes);
    }
    match X509Certificate::from_der(bytes) {
        Ok(([], _)) => Ok(vec![CertificateDer::from(bytes.to_vec())]),
        _ => Err(damaged("it holds no certificate in PEM or DER")),
    }
}

/// The first private key of a PEM text: PKCS#8, SEC1 or PKCS#1.
///
/// # Errors
/// [`KeystoreError`] when there is none, it is encrypted, or the block is broken.
pub fn read_pem_key(bytes: &[u8]) -> Result<Secret<PrivateKeyDer<'static>>, KeystoreError> {
    pem::key(bytes)
}

#[cfg(test)]
mod tests;
