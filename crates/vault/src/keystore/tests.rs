use super::{Keystore, KeystoreError, KeystoreFormat, KeystorePasswords, encode_pem, read_keystore};
use crate::generate::{IssuedCertificate, generate_ca, issue_server_certificate};
use crate::random::SystemRng;
use crate::signing::SigningKey;
use crate::testing::{CountingRng, NOW, error_of, secret};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use model::Rng;
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use rustls::pki_types::pem::SectionKind;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const PASSWORD: &str = "pässword";

fn passwords(text: &str) -> KeystorePasswords {
    KeystorePasswords::same(secret(text))
}

/// A chain of leaf and authority with its key.
fn issued() -> IssuedCertificate {
    let ca = generate_ca("Store CA", NOW, &SystemRng).unwrap();
    let mut issued = issue_server_certificate(&ca, &["store.test".to_owned()], NOW, &SystemRng).unwrap();
    issued.chain.push(ca.certificate().clone());
    issued
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, &parts.concat()).as_ref().to_vec()
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, content].concat()
}

/// The writing side of Sun's format, made from its description, to judge the reader.
struct JksWriter {
    bytes: Vec<u8>,
    count: u32,
}

impl JksWriter {
    fn new(magic: u32) -> Self {
        Self { bytes: [magic.to_be_bytes(), 2u32.to_be_bytes(), [0; 4]].concat(), count: 0 }
    }

    fn long(&mut self, bytes: &[u8]) {
        self.bytes.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        self.bytes.extend(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        self.bytes.extend(text.as_bytes());
    }

    fn head(&mut self, tag: u32, alias: &str) {
        self.count += 1;
        self.bytes.extend(tag.to_be_bytes());
        self.text(alias);
        self.bytes.extend(0u64.to_be_bytes());
    }

    fn certificate(&mut self, certificate: &CertificateDer<'_>) {
        self.text("X.509");
        self.long(certificate);
    }

    fn trusted(&mut self, alias: &str, certificate: &CertificateDer<'_>) {
        self.head(2, alias);
        self.certificate(certificate);
    }

    fn key(&mut self, alias: &str, key: &PrivateKeyDer<'_>, password: &str, chain: &[CertificateDer<'_>], oid: u8) {
        self.head(1, alias);
        let (password, plain) = (utf16(password), key.secret_der());
        let mut salt = vec![0; 20];
        CountingRng::default().fill(&mut salt);
        let mut data = salt.clone();
        for chunk in plain.chunks(20) {
            salt = sha1(&[&password, &salt]);
            data.extend(chunk.iter().zip(&salt).map(|(a, b)| a ^ b));
        }
        data.extend(sha1(&[&password, plain]));
        let algorithm = [0x30, 0x0e, 0x06, 0x0a, 0x2b, 6, 1, 4, 1, 0x2a, 2, oid, 1, 1, 0x05, 0];
        self.long(&der(0x30, &[&algorithm[..], &der(0x04, &data)].concat()));
        self.bytes.extend(u32::try_from(chain.len()).unwrap().to_be_bytes());
        chain.iter().for_each(|c| self.certificate(c));
    }

    fn finish(mut self, password: &str) -> Vec<u8> {
        self.bytes[8..12].copy_from_slice(&self.count.to_be_bytes());
        let check = sha1(&[&utf16(password), b"Mighty Aphrodite", &self.bytes]);
        [self.bytes, check].concat()
    }
}

fn jks(issued: &IssuedCertificate) -> Vec<u8> {
    let mut writer = JksWriter::new(0xfeed_feed);
    writer.trusted("root", &issued.chain[1]);
    writer.key("server", issued.key.expose(), PASSWORD, &issued.chain, 17);
    writer.finish(PASSWORD)
}

fn pkcs12(issued: &IssuedCertificate, password: &str) -> Vec<u8> {
    let certificates = issued.chain.iter().map(|c| Certificate::from_der(c).unwrap());
    let key = PrivateKey::from_der(issued.key.expose().secret_der()).unwrap();
    let mut store = KeyStore::new();
    store.add_entry("server", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("id", key, certificates)));
    store
        .writer(password)
        .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
        .encryption_iterations(10)
        .mac_algorithm(MacAlgorithm::HmacSha256)
        .mac_iterations(10)
        .write()
        .unwrap()
}

fn pem(issued: &IssuedCertificate) -> Vec<u8> {
    let key = encode_pem(SectionKind::PrivateKey, issued.key.expose().secret_der());
    format!("some text\n{}{}", issued.chain_pem(), key.expose()).into_bytes()
}

fn assert_is(store: Keystore, issued: &IssuedCertificate) {
    let entry = store.into_key(None).unwrap();
    assert_eq!(entry.chain, issued.chain);
    assert_eq!(entry.key.expose().secret_der(), issued.key.expose().secret_der());
}

#[test]
fn every_format_gives_the_same_key_and_chain() {
    let issued = issued();
    for (bytes, format) in [
        (jks(&issued), KeystoreFormat::Jks),
        (pkcs12(&issued, PASSWORD), KeystoreFormat::Pkcs12),
        (pem(&issued), KeystoreFormat::Pem),
    ] {
        assert_eq!(KeystoreFormat::detect(&bytes), Some(format));
        assert_is(read_keystore(&bytes, &passwords(PASSWORD)).unwrap(), &issued);
    }
}

#[test]
fn a_wrong_password_is_called_that() {
    let issued = issued();
    for bytes in [jks(&issued), pkcs12(&issued, PASSWORD)] {
        for wrong in ["", "passwort", "p\u{e4}ssword "] {
            assert!(
                matches!(error_of(read_keystore(&bytes, &passwords(wrong))), KeystoreError::WrongPassword),
                "{wrong}"
            );
        }
    }
    let mut writer = JksWriter::new(0xfeed_feed);
    writer.key("server", issued.key.expose(), "key password", &issued.chain, 17);
    let bytes = writer.finish(PASSWORD);
    let error = error_of(read_keystore(&bytes, &passwords(PASSWORD)));
    assert!(matches!(error, KeystoreError::WrongKeyPassword { alias } if alias == "server"));
    let both = KeystorePasswords { store: secret(PASSWORD), key: Some(secret("key password")) };
    assert_is(read_keystore(&bytes, &both).unwrap(), &issued);
}

#[test]
fn jceks_gives_certificates_and_refuses_its_key_protection() {
    let issued = issued();
    let mut writer = JksWriter::new(0xcece_cece);
    writer.trusted("root", &issued.chain[1]);
    let store = read_keystore(&writer.finish(PASSWORD), &passwords(PASSWORD)).unwrap();
    assert_eq!(store.trusted[0].certificate, issued.chain[1]);
    let mut writer = JksWriter::new(0xcece_cece);
    writer.head(1, "server");
    let algorithm = [0x30, 0x0d, 0x06, 0x09, 0x2b, 6, 1, 4, 1, 0x2a, 2, 19, 1, 0x05, 0];
    writer.long(&der(0x30, &[&algorithm[..], &der(0x04, &[0; 60])].concat()));
    writer.bytes.extend(0u32.to_be_bytes());
    let text = error_of(read_keystore(&writer.finish(PASSWORD), &passwords(PASSWORD))).to_string();
    assert!(text.contains("Triple DES") && text.contains("keytool -importkeystore"), "{text}");
}

#[test]
fn the_alias_chooses_the_key() {
    let issued = issued();
    let mut writer = JksWriter::new(0xfeed_feed);
    writer.key("one", issued.key.expose(), PASSWORD, &issued.chain, 17);
    writer.key("Two", issued.key.expose(), PASSWORD, &issued.chain[..1], 17);
    let bytes = writer.finish(PASSWORD);
    let store = || read_keystore(&bytes, &passwords(PASSWORD)).unwrap();
    assert_eq!(store().into_key(Some("two")).ok().unwrap().chain.len(), 1);
    let many = error_of(store().into_key(None)).to_string();
    assert!(many.contains("one, Two"), "{many}");
    let none = error_of(store().into_key(Some("three"))).to_string();
    assert!(none.contains("three") && none.contains("one, Two"), "{none}");
}

#[test]
fn pem_takes_the_three_key_forms_and_refuses_encrypted_ones() {
    let rsa = SigningKey::generate().unwrap();
    assert!(super::read_pem_key(rsa.pkcs8_pem().expose().as_bytes()).is_ok());
    for (label, variant) in [("RSA PRIVATE KEY", "Pkcs1"), ("EC PRIVATE KEY", "Sec1"), ("PRIVATE KEY", "Pkcs8")] {
        let text = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
        let key = super::read_pem_key(text.as_bytes()).unwrap();
        assert!(format!("{:?}", key.expose()).starts_with(variant));
    }
    let text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(error_of(super::read_pem_key(text.as_bytes())), KeystoreError::Unsupported { .. }));
    assert!(matches!(error_of(super::read_pem_key(b"-----BEGIN CERT")), KeystoreError::Damaged { .. }));
}

#[test]
fn what_is_no_key_store_is_said_so() {
    for bytes in [&b""[..], b"hello", b"PK\x03\x04", &[0xfe, 0xed], &[0; 100]] {
        assert!(matches!(error_of(read_keystore(bytes, &passwords(PASSWORD))), KeystoreError::UnknownFormat));
    }
    let long = vec![0x30; usize::try_from(super::MAX_KEYSTORE).unwrap() + 1];
    assert!(matches!(error_of(read_keystore(&long, &passwords(PASSWORD))), KeystoreError::Damaged { .. }));
}

/// Lengths that promise more than there is must neither panic nor allocate; the digest is made right each time, so the
/// parser behind it is reached.
#[test]
fn a_jks_with_lying_lengths_is_refused() {
    let issued = issued();
    let whole = jks(&issued);
    let body = &whole[..whole.len() - 20];
    let sign = |body: &[u8]| [body, &sha1(&[&utf16(PASSWORD), b"Mighty Aphrodite", body])].concat();
    for at in 4..body.len().min(120) {
        for value in [0x00, 0x7f, 0x80, 0xff] {
            let mut changed = body.to_vec();
            changed[at] = value;
            let _ = read_keystore(&sign(&changed), &passwords(PASSWORD));
        }
    }
    for length in 4..body.len() {
        assert!(read_keystore(&sign(&body[..length]), &passwords(PASSWORD)).is_err(), "cut at {length}");
    }
    assert!(read_keystore(&sign(&[body, &[0]].concat()), &passwords(PASSWORD)).is_err());
}

/// Reproducible mutations: one to four bytes of a store changed, or its end cut off.
#[test]
fn mutated_stores_never_panic() {
    let issued = issued();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(bound).unwrap()).unwrap()
    };
    for whole in [jks(&issued), pkcs12(&issued, PASSWORD), pem(&issued)] {
        for _ in 0..1500 {
            let mut bytes = whole.clone();
            for _ in 0..=next(4) {
                let at = next(bytes.len());
                bytes[at] = u8::try_from(next(256)).unwrap();
            }
            if next(3) == 0 {
                bytes.truncate(next(bytes.len()));
            }
            let _ = read_keystore(&bytes, &passwords(PASSWORD));
        }
    }
}

#[test]
fn an_uploaded_certificate_may_be_pem_or_der() {
    let issued = issued();
    let read = |bytes: &[u8]| super::read_certificates(bytes);
    assert_eq!(read(issued.chain_pem().as_bytes()).unwrap(), issued.chain);
    assert_eq!(read(&issued.chain[0]).unwrap(), &issued.chain[..1]);
    for bad in
        [&b""[..], b"hello", &issued.chain[0][1..], &[&issued.chain[0][..], &[0]].concat(), &pkcs12(&issued, PASSWORD)]
    {
        assert!(matches!(error_of(read(bad)), KeystoreError::Damaged { .. }));
    }
}
