//! Looking into a key store that belongs to somebody else: its certificates, and whether a guessed password opens it.
//!
//! The certificates of JKS and JCEKS lie in the file in plain view, so they are found without the password. No private
//! key leaves this module.

use super::{
    Keystore, KeystoreError, KeystoreFormat, KeystorePasswords, MAX_KEYSTORE, damaged, jks, pem, read_keystore,
};
use model::Secret;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// What was found in a key store.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Its format; `None` = none that is known.
    pub format: Option<KeystoreFormat>,
    /// Which of the guessed passwords opened it.
    pub opened_by: Option<usize>,
    /// Its entries.
    pub entries: Vec<InspectedEntry>,
    /// Why it could not be read to its end.
    pub fault: Option<KeystoreError>,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct InspectedEntry {
    /// Its name.
    pub alias: String,
    /// Whether the store has the private key.
    pub has_key: bool,
    /// Whether the private key belongs to the certificate; `None` = the key could not be opened.
    pub key_matches: Option<bool>,
    /// The chain, own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
}

/// Looks into a key store, trying passwords in order.
pub fn inspect_keystore(bytes: &[u8], guesses: &[Secret<String>]) -> Inspection {
    let mut found = Inspection { format: KeystoreFormat::detect(bytes), ..Inspection::default() };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_KEYSTORE {
        found.fault = Some(damaged(format!("it is longer than {MAX_KEYSTORE} bytes")));
        return found;
    }
    let Some(format) = found.format else {
        found.fault = Some(KeystoreError::UnknownFormat);
        return found;
    };
    if format == KeystoreFormat::Pem {
        return inspect_pem(bytes, found);
    }
    let mut last = None;
    for (index, guess) in guesses.iter().enumerate() {
        match read_keystore(bytes, &KeystorePasswords::same(guess.clone())) {
            Ok(store) => {
                found.opened_by = Some(index);
                found.entries = entries(&store);
                return found;
            }
            // The store opened: what is inside has another password, or a protection that is not read here.
            Err(KeystoreError::WrongKeyPassword { .. } | KeystoreError::Unsupported { .. }) => {
                found.opened_by = found.opened_by.or(Some(index));
            }
            Err(error) => last = Some(error),
        }
    }
    match format {
        KeystoreFormat::Jks | KeystoreFormat::Jceks => match jks::in_plain_view(bytes) {
            Ok(seen) => found.entries = seen,
            Err(error) => found.fault = Some(error),
        },
        KeystoreFormat::Pkcs12 | KeystoreFormat::Pem => {
            found.fault = Some(last.unwrap_or(KeystoreError::WrongPassword));
        }
    }
    found
}

fn inspect_pem(bytes: &[u8], mut found: Inspection) -> Inspection {
    match (pem::certificates(bytes), pem::key(bytes)) {
        (Ok(chain), Ok(key)) if !chain.is_empty() => {
            let key_matches = Some(belongs(key.expose(), &chain));
            found.entries.push(InspectedEntry { alias: String::new(), has_key: true, key_matches, chain });
        }
        (Ok(chain), _) => found.entries.extend(chain.into_iter().map(|certificate| InspectedEntry {
            alias: String::new(),
            has_key: false,
            key_matches: None,
            chain: vec![certificate],
        })),
        (Err(error), _) => found.fault = Some(error),
    }
    found
}

fn entries(store: &Keystore) -> Vec<InspectedEntry> {
    let keys = store.keys.iter().map(|entry| InspectedEntry {
        alias: entry.alias.clone(),
        has_key: true,
        key_matches: Some(belongs(entry.key.expose(), &entry.chain)),
        chain: entry.chain.clone(),
    });
    let trusted = store.trusted.iter().map(|trusted| InspectedEntry {
        alias: trusted.alias.clone(),
        has_key: false,
        key_matches: None,
        chain: vec![trusted.certificate.clone()],
    });
    keys.chain(trusted).collect()
}

/// Whether a key belongs to the first certificate. A key that TLS does not know is not said to be foreign: its
/// weakness is another rule's matter.
fn belongs(key: &PrivateKeyDer<'_>, chain: &[CertificateDer<'_>]) -> bool {
    let own = chain.first().and_then(|der| X509Certificate::from_der(der).ok());
    let Some((_, own)) = own else { return false };
    match any_supported_type(key).map(|key| key.public_key().map(|public| public.to_vec())) {
        Ok(Some(public)) => public == own.public_key().raw,
        Ok(None) | Err(_) => true,
    }
}
