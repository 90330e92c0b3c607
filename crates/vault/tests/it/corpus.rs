//! Real key stores: each is read and compared with what Java's keytool lists for it.

use crate::keytool::listed_fingerprints;
use model::{Secret, Timestamp};
use rustls::pki_types::PrivateKeyDer;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vault::keystore::{Keystore, KeystoreError, KeystoreFormat, KeystorePasswords, read_keystore};
use vault::tls::TrustAnchors;
use vault::{CertificatePurpose, CertificateRule, certificate_fingerprint, check_certificate, public_default_product};
use x509_parser::prelude::FromDer;

const PASSWORDS: [&str; 5] = ["wso2carbon", "password", "changeit", "123456", "extidpjwt"];

fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/keystore");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no key stores in {}", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|p| {
            let bytes = std::fs::read(&p).unwrap();
            (p, bytes)
        })
        .collect()
}

fn open(bytes: &[u8]) -> Option<(&'static str, Keystore)> {
    PASSWORDS.into_iter().find_map(|password| {
        let secret = |text: &str| Secret::new(text.to_owned());
        let same = KeystorePasswords::same(secret(password));
        match read_keystore(bytes, &same) {
            Ok(store) => Some((password, store)),
            Err(KeystoreError::WrongPassword) => None,
            // The key has a password of its own.
            Err(KeystoreError::WrongKeyPassword { .. }) => PASSWORDS.into_iter().find_map(|key| {
                let both = KeystorePasswords { store: secret(password), key: Some(secret(key)) };
                Some((password, read_keystore(bytes, &both).ok()?))
            }),
            Err(other) => panic!("{other}"),
        }
    })
}

/// Whether the modulus of an RSA certificate stands in the private key: independent of any key library, and so good
/// for keys that are too short to be loaded.
fn belongs(certificate: &[u8], key: &PrivateKeyDer<'_>) -> bool {
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(certificate).unwrap();
    match parsed.public_key().parsed().unwrap() {
        x509_parser::public_key::PublicKey::RSA(rsa) => {
            key.secret_der().windows(rsa.modulus.len()).any(|w| w == rsa.modulus)
        }
        _ => true,
    }
}

#[test]
fn every_store_opens_and_agrees_with_keytool() {
    let files = corpus();
    let (mut opened, mut judged, mut keys) = (0, 0, 0);
    for (path, bytes) in &files {
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(KeystoreFormat::detect(bytes).is_some(), "{name}");
        let Some((password, store)) = open(bytes) else {
            println!("{name}: its password is not known");
            continue;
        };
        opened += 1;
        for entry in &store.keys {
            keys += 1;
            assert!(belongs(&entry.chain[0], entry.key.expose()), "{name}: {}", entry.alias);
        }
        let chains = store.keys.iter().flat_map(|k| &k.chain);
        let ours: BTreeSet<_> =
            chains.chain(store.trusted.iter().map(|t| &t.certificate)).map(certificate_fingerprint).collect();
        let Some(theirs) = listed_fingerprints(path, password) else { continue };
        judged += 1;
        assert_eq!(ours, theirs, "{name}");
    }
    println!("{} stores, {opened} opened with {keys} keys, {judged} judged by keytool", files.len());
    assert!(files.is_empty() || opened * 10 >= files.len() * 8, "only {opened} of {} opened", files.len());
}

#[test]
fn public_wso2_certificates_are_found_and_refused() {
    let now = Timestamp::from_seconds(1_795_219_200);
    let mut products = BTreeSet::new();
    let mut any = false;
    for (_, bytes) in corpus() {
        any = true;
        let Some((_, store)) = open(&bytes) else { continue };
        for entry in &store.keys {
            let Some(product) = public_default_product(&entry.chain[0]) else { continue };
            products.insert(product);
            let faults = check_certificate(&entry.chain, Some(entry.key.expose()), now, CertificatePurpose::Identity);
            assert!(faults.iter().any(|f| f.rule == CertificateRule::PublicDefault));
        }
        products.extend(store.trusted.iter().filter_map(|t| public_default_product(&t.certificate)));
    }
    println!("{products:?}");
    assert!(!any || products.len() >= 2, "{products:?}");
}

#[test]
fn damaged_corpus_files_never_panic() {
    let password = KeystorePasswords::same(Secret::new("wso2carbon".to_owned()));
    for (_, bytes) in corpus().iter().filter(|(_, bytes)| bytes.len() < 8000) {
        // Each try of a PKCS#12 file costs ten thousand rounds of its key derivation.
        let step = if KeystoreFormat::detect(bytes) == Some(KeystoreFormat::Pkcs12) { 997 } else { 37 };
        for at in (0..bytes.len()).step_by(step) {
            assert!(read_keystore(&bytes[..at], &password).is_err());
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            let _ = read_keystore(&changed, &password);
        }
    }
}

#[test]
fn a_trust_store_of_wso2_is_taken_without_its_published_certificate() {
    let (mut stores, mut refused) = (0, Vec::new());
    for (path, bytes) in corpus() {
        let Some((_, store)) = open(&bytes).filter(|(_, s)| s.trusted.len() > 100) else { continue };
        stores += 1;
        let mut trust = TrustAnchors::default();
        let found = trust.add_keystore(&store);
        assert!(found.len() < 5 && !trust.is_empty(), "{}: {} refused", path.display(), found.len());
        refused.extend(found.into_iter().map(|(alias, reason)| format!("{alias}: {reason}")));
    }
    println!("{refused:#?}");
    assert!(stores == 0 || refused.iter().any(|r| r.contains("A02.1")));
}
