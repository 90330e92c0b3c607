//! PKCS#12 (RFC 7292) as Java, OpenSSL and Windows write it.

use super::{
    KeyEntry, Keystore, KeystoreError, KeystorePasswords, MAX_CHAIN, MAX_ENTRIES, TrustedCertificate, damaged,
};
use model::Secret;
use p12_keystore::error::Error;
use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub(super) fn read(bytes: &[u8], passwords: &KeystorePasswords) -> Result<Keystore, KeystoreError> {
    let archive = Pkcs12Archive::from_pkcs12(bytes, passwords.store.expose()).map_err(explain)?;
    if archive.keys.len() > MAX_ENTRIES || archive.certs.len() > MAX_ENTRIES {
        return Err(damaged(format!("more than {MAX_ENTRIES} entries")));
    }
    let keys = archive.keys.iter().map(|bag| key_entry(bag, &archive)).collect::<Result<Vec<_>, _>>()?;
    let in_chains = |bag: &CertificateBag| keys.iter().any(|k| k.chain.iter().any(|c| c.as_ref() == bag.cert.as_der()));
    let trusted = archive
        .certs
        .iter()
        // Without any key the file is a trust store, whether or not Java's mark of trust is there.
        .filter(|bag| bag.trusted || (archive.keys.is_empty() && !in_chains(bag)))
        .map(|bag| TrustedCertificate { alias: bag.friendly_name.clone().unwrap_or_default(), certificate: der(bag) })
        .collect();
    Ok(Keystore { keys, trusted })
}

fn explain(error: Error) -> KeystoreError {
    match error {
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => KeystoreError::WrongPassword,
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm => {
            KeystoreError::Unsupported { what: "the encryption of this PKCS#12 file".to_owned() }
        }
        other => damaged(other.to_string()),
    }
}

fn der(bag: &CertificateBag) -> CertificateDer<'static> {
    CertificateDer::from(bag.cert.as_der().to_vec())
}

fn key_entry(bag: &PrivateKeyBag, archive: &Pkcs12Archive) -> Result<KeyEntry, KeystoreError> {
    let alias = bag.friendly_name.clone().unwrap_or_default();
    let id = bag.local_key_id.as_ref().map(|id| id.0.as_slice());
    let own = archive.certs.iter().find(|c| id.is_some() && c.local_key_id.as_deref() == id);
    let own = own.or_else(|| archive.certs.iter().find(|c| !c.trusted && c.friendly_name == bag.friendly_name));
    let mut chain = Vec::new();
    let mut next = own;
    while let Some(found) = next {
        if chain.len() == MAX_CHAIN {
            return Err(damaged(format!("a chain of more than {MAX_CHAIN} certificates")));
        }
        chain.push(der(found));
        let root = found.cert.issuer() == found.cert.subject();
        next = archive.certs.iter().find(|c| {
            !root && c.cert.subject() == found.cert.issuer() && !chain.iter().any(|d| d.as_ref() == c.cert.as_der())
        });
    }
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(bag.key.as_der().to_vec()));
    Ok(KeyEntry { alias, chain, key: Secret::new(key) })
}
