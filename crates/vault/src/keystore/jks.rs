//! Sun's JKS, and the certificates of JCEKS, which has the same frame.
//!
//! The frame: magic, version, count, entries, and a SHA-1 of password, the words "Mighty Aphrodite" and all of it. A
//! private key is masked with a SHA-1 stream of the password (`sun.security.provider.KeyProtector`). Both are weak:
//! reading is for migration, nothing here writes the format.

use super::{
    InspectedEntry, KeyEntry, Keystore, KeystoreError, KeystoreFormat, KeystorePasswords, MAX_CHAIN, MAX_ENTRIES,
    TrustedCertificate, damaged,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use model::Secret;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::asn1_rs::{FromDer, OctetString, Oid, Sequence, oid};
use x509_parser::x509::AlgorithmIdentifier;

const DIGEST: usize = 20;
const KEY_PROTECTOR: Oid<'static> = oid!(1.3.6.1.4.1.42.2.17.1.1);
const JCEKS_PROTECTOR: Oid<'static> = oid!(1.3.6.1.4.1.42.2.19.1);

pub(super) fn read(
    bytes: &[u8],
    passwords: &KeystorePasswords,
    format: KeystoreFormat,
) -> Result<Keystore, KeystoreError> {
    let body_length = bytes.len().checked_sub(DIGEST).ok_or_else(cut)?;
    let (body, stated) = bytes.split_at_checked(body_length).ok_or_else(cut)?;
    check_digest(body, stated, passwords.store.expose())?;
    let mut reader = Reader { rest: body };
    reader.u32()?;
    let version = reader.u32()?;
    if !matches!(version, 1 | 2) {
        return Err(damaged(format!("version {version} is unknown")));
    }
    let count = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    if count > MAX_ENTRIES {
        return Err(damaged(format!("more than {MAX_ENTRIES} entries")));
    }
    let mut store = Keystore::default();
    for _ in 0..count {
        match reader.u32()? {
            1 => store.keys.push(key_entry(&mut reader, version, passwords)?),
            2 => {
                let alias = reader.alias()?;
                let certificate = reader.certificate(version)?;
                store.trusted.push(TrustedCertificate { alias, certificate });
            }
            3 if format == KeystoreFormat::Jceks => {
                return Err(KeystoreError::Unsupported { what: "a secret key in a JCEKS store".to_owned() });
            }
            tag => return Err(damaged(format!("entry kind {tag} is unknown"))),
        }
    }
    if !reader.rest.is_empty() {
        return Err(damaged("bytes after the last entry"));
    }
    Ok(store)
}

/// The entries with their certificates, which are not protected; private keys are skipped, and the digest is not
/// checked because that takes the password.
pub(super) fn in_plain_view(bytes: &[u8]) -> Result<Vec<InspectedEntry>, KeystoreError> {
    let body = bytes.len().checked_sub(DIGEST).and_then(|length| bytes.get(..length)).ok_or_else(cut)?;
    let mut reader = Reader { rest: body };
    reader.u32()?;
    let version = reader.u32()?;
    if !matches!(version, 1 | 2) {
        return Err(damaged(format!("version {version} is unknown")));
    }
    let count = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    if count > MAX_ENTRIES {
        return Err(damaged(format!("more than {MAX_ENTRIES} entries")));
    }
    let mut seen = Vec::new();
    for _ in 0..count {
        let (has_key, alias, length) = match reader.u32()? {
            1 => {
                let alias = reader.alias()?;
                reader.block()?;
                (true, alias, usize::try_from(reader.u32()?).unwrap_or(usize::MAX))
            }
            2 => (false, reader.alias()?, 1),
            3 => {
                return Err(KeystoreError::Unsupported { what: "a secret key in a JCEKS store".to_owned() });
            }
            tag => return Err(damaged(format!("entry kind {tag} is unknown"))),
        };
        if length > MAX_CHAIN {
            return Err(damaged(format!("a chain of more than {MAX_CHAIN} certificates")));
        }
        let chain = (0..length).map(|_| reader.certificate(version)).collect::<Result<Vec<_>, _>>()?;
        seen.push(InspectedEntry { alias, has_key, key_matches: None, chain });
    }
    Ok(seen)
}

fn cut() -> KeystoreError {
    damaged("it ends too early")
}

fn check_digest(body: &[u8], stated: &[u8], password: &str) -> Result<(), KeystoreError> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(utf16(password).expose());
    context.update(b"Mighty Aphrodite");
    context.update(body);
    verify_slices_are_equal(context.finish().as_ref(), stated).map_err(|_| KeystoreError::WrongPassword)
}

/// Java hashes the two bytes of every UTF-16 unit of a password.
fn utf16(password: &str) -> Secret<Vec<u8>> {
    let mut bytes = Vec::with_capacity(password.len() * 2);
    password.encode_utf16().for_each(|unit| bytes.extend_from_slice(&unit.to_be_bytes()));
    Secret::new(bytes)
}

fn key_entry(reader: &mut Reader<'_>, version: u32, passwords: &KeystorePasswords) -> Result<KeyEntry, KeystoreError> {
    let alias = reader.alias()?;
    let protected = reader.block()?;
    let count = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    if count > MAX_CHAIN {
        return Err(damaged(format!("a chain of more than {MAX_CHAIN} certificates")));
    }
    let chain = (0..count).map(|_| reader.certificate(version)).collect::<Result<Vec<_>, _>>()?;
    let plain = unprotect(protected, passwords.for_keys(), &alias)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(plain.expose().clone()));
    Ok(KeyEntry { alias, chain, key: Secret::new(key) })
}

fn unprotect(protected: &[u8], password: &str, alias: &str) -> Result<Secret<Vec<u8>>, KeystoreError> {
    let broken = || damaged(format!("the private key '{alias}' is not an EncryptedPrivateKeyInfo"));
    let (_, sequence) = Sequence::from_der(protected).map_err(|_| broken())?;
    let (rest, algorithm) = AlgorithmIdentifier::from_der(&sequence.content).map_err(|_| broken())?;
    let (_, data) = OctetString::from_der(rest).map_err(|_| broken())?;
    if algorithm.algorithm == JCEKS_PROTECTOR {
        let what = format!("the JCEKS protection (MD5 and Triple DES) of the private key '{alias}'");
        return Err(KeystoreError::Unsupported { what });
    }
    if algorithm.algorithm != KEY_PROTECTOR {
        let what = format!("the protection {} of the private key '{alias}'", algorithm.algorithm);
        return Err(KeystoreError::Unsupported { what });
    }
    let (salt, rest) = data.as_ref().split_at_checked(DIGEST).ok_or_else(broken)?;
    let (masked, check) =
        rest.len().checked_sub(DIGEST).and_then(|length| rest.split_at_checked(length)).ok_or_else(broken)?;
    let password = utf16(password);
    let mut stream = salt.to_vec();
    let mut plain = Vec::with_capacity(masked.len());
    for chunk in masked.chunks(DIGEST) {
        stream = sha1(password.expose(), &stream);
        plain.extend(chunk.iter().zip(&stream).map(|(a, b)| a ^ b));
    }
    let plain = Secret::new(plain);
    verify_slices_are_equal(&sha1(password.expose(), plain.expose()), check)
        .map_err(|_| KeystoreError::WrongKeyPassword { alias: alias.to_owned() })?;
    Ok(plain)
}

fn sha1(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(first);
    context.update(second);
    context.finish().as_ref().to_vec()
}

/// Takes big-endian fields off the front of the bytes; never past the end, never allocates by a stated length.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], KeystoreError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, KeystoreError> {
        let bytes = self.take(4)?.first_chunk().copied().ok_or_else(cut)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn text(&mut self) -> Result<String, KeystoreError> {
        let bytes = self.take(2)?.first_chunk().copied().ok_or_else(cut)?;
        let bytes = self.take(usize::from(u16::from_be_bytes(bytes)))?;
        // Java's modified UTF-8 differs from UTF-8 in NUL and beyond the basic plane only; a name may be inexact there.
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// An alias with the date of the entry, which nothing needs.
    fn alias(&mut self) -> Result<String, KeystoreError> {
        let alias = self.text()?;
        self.take(8)?;
        Ok(alias)
    }

    fn block(&mut self) -> Result<&'a [u8], KeystoreError> {
        let length = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        self.take(length)
    }

    fn certificate(&mut self, version: u32) -> Result<CertificateDer<'static>, KeystoreError> {
        let kind = if version == 2 { self.text()? } else { "X.509".to_owned() };
        if !matches!(kind.as_str(), "X.509" | "X509") {
            return Err(KeystoreError::Unsupported { what: format!("a certificate of kind '{kind}'") });
        }
        Ok(CertificateDer::from(self.block()?.to_vec()))
    }
}
