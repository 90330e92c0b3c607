use super::{CertificatePurpose, CertificateRule, certificate_fingerprint, check_certificate, public_default_product};
use crate::generate::{generate_ca, issue_server_certificate};
use crate::random::SystemRng;
use crate::signing::SigningKey;
use crate::testing::NOW;
use model::Timestamp;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::process::Command;
use std::time::Duration;

fn rules(chain: &[CertificateDer<'_>], key: Option<&PrivateKeyDer<'_>>, now: Timestamp) -> Vec<CertificateRule> {
    check_certificate(chain, key, now, CertificatePurpose::Identity).into_iter().map(|f| f.rule).collect()
}

/// A self-signed certificate made by OpenSSL, valid from now on; `None` where OpenSSL is missing or refuses.
fn openssl(key: &[&str], digest: &str) -> Option<(CertificateDer<'static>, PrivateKeyDer<'static>)> {
    use rustls::pki_types::pem::PemObject;
    let dir = tempfile::tempdir().unwrap();
    let (key_path, certificate) = (dir.path().join("k"), dir.path().join("c"));
    let made = Command::new("openssl").arg("genpkey").args(key).arg("-out").arg(&key_path).output().ok()?;
    made.status.success().then_some(())?;
    let made = Command::new("openssl")
        .args(["req", "-x509", "-subj", "/CN=weak", "-days", "3650", digest, "-key"])
        .arg(&key_path)
        .arg("-out")
        .arg(&certificate)
        .output()
        .ok()?;
    made.status.success().then_some(())?;
    Some((CertificateDer::from_pem_file(&certificate).unwrap(), PrivateKeyDer::from_pem_file(&key_path).unwrap()))
}

/// A time inside the validity of a certificate made by another program now.
fn during(certificate: &CertificateDer<'_>) -> Timestamp {
    use x509_parser::prelude::FromDer;
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(certificate).unwrap();
    Timestamp::from_seconds(parsed.validity().not_before.timestamp()).plus(Duration::from_secs(60))
}

#[test]
fn what_we_issue_is_sound() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let leaf = issue_server_certificate(&ca, &["localhost".to_owned()], NOW, &SystemRng).unwrap();
    assert_eq!(rules(&leaf.chain, Some(leaf.key.expose()), NOW), []);
    let anchor = [ca.certificate().clone()];
    assert_eq!(check_certificate(&anchor, None, NOW, CertificatePurpose::TrustAnchor), []);
}

#[test]
fn validity_is_exact_to_the_second() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let leaf = issue_server_certificate(&ca, &["localhost".to_owned()], NOW, &SystemRng).unwrap();
    let begin = Timestamp::from_seconds(NOW.seconds() - 3600);
    let end = begin.plus(Duration::from_hours(24 * 397));
    assert_eq!(rules(&leaf.chain, None, begin), []);
    assert_eq!(rules(&leaf.chain, None, Timestamp::from_millis(begin.millis() - 1)), [CertificateRule::NotYetValid]);
    assert_eq!(rules(&leaf.chain, None, Timestamp::from_millis(end.millis() + 999)), []);
    assert_eq!(rules(&leaf.chain, None, end.plus(Duration::from_secs(1))), [CertificateRule::Expired]);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let one = issue_server_certificate(&ca, &["localhost".to_owned()], NOW, &SystemRng).unwrap();
    let two = issue_server_certificate(&ca, &["localhost".to_owned()], NOW, &SystemRng).unwrap();
    assert_eq!(rules(&one.chain, Some(two.key.expose()), NOW), [CertificateRule::KeyMismatch]);
    let rsa = SigningKey::generate().unwrap();
    let rsa = PrivateKeyDer::try_from(rsa.pkcs8_der().expose().clone()).unwrap();
    assert_eq!(rules(&one.chain, Some(&rsa), NOW), [CertificateRule::KeyMismatch]);
    let garbage = PrivateKeyDer::Pkcs8(vec![0x30, 0x03, 1, 2, 3].into());
    assert_eq!(rules(&one.chain, Some(&garbage), NOW), [CertificateRule::KeyMismatch]);
}

#[test]
fn nothing_and_garbage_are_refused() {
    assert_eq!(rules(&[], None, NOW), [CertificateRule::Unreadable]);
    assert_eq!(rules(&[CertificateDer::from(vec![0x30, 0x82, 0xff])], None, NOW), [CertificateRule::Unreadable]);
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let mut longer = ca.certificate().to_vec();
    longer.push(0);
    assert_eq!(rules(&[CertificateDer::from(longer)], None, NOW), [CertificateRule::Unreadable]);
}

#[test]
fn every_fault_names_check_wish_and_fix() {
    let text = check_certificate(&[], None, NOW, CertificatePurpose::Identity)[0].to_string();
    assert!(
        text.starts_with("A02.8: certificate 1: there is no certificate; wanted: an X.509 certificate. Fix: "),
        "{text}"
    );
}

#[test]
fn weak_keys_and_hashes_of_openssl_are_refused() {
    let cases: [(&[&str], &str, &[CertificateRule]); 6] = [
        (&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "-sha256", &[CertificateRule::WeakRsa]),
        (&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "-sha1", &[CertificateRule::WeakSignature]),
        (&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "-md5", &[CertificateRule::WeakSignature]),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime192v1"], "-sha256", &[CertificateRule::WeakCurve]),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "-sha256", &[]),
        (&["-algorithm", "ED25519"], "-sha256", &[]),
    ];
    let mut seen = 0;
    for (key, digest, expected) in cases {
        let Some((certificate, key_der)) = openssl(key, digest) else {
            println!("skipped: OpenSSL is missing or refuses {key:?} {digest}");
            continue;
        };
        seen += 1;
        let now = during(&certificate);
        assert_eq!(rules(&[certificate], Some(&key_der), now), expected, "{key:?} {digest}");
    }
    println!("{seen} of {} made", cases.len());
}

#[test]
fn a_root_with_an_old_self_signature_may_be_trusted_but_not_shown() {
    let Some((certificate, _)) = openssl(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "-sha1") else {
        println!("skipped: OpenSSL is missing or refuses SHA-1");
        return;
    };
    let now = during(&certificate);
    assert_eq!(check_certificate(std::slice::from_ref(&certificate), None, now, CertificatePurpose::TrustAnchor), []);
    assert_eq!(rules(&[certificate], None, now), [CertificateRule::WeakSignature]);
}

#[test]
fn fingerprints_are_upper_case_and_the_list_has_no_doubles() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let fingerprint = certificate_fingerprint(ca.certificate());
    assert_eq!(fingerprint.len(), 64);
    assert!(fingerprint.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)));
    assert_eq!(public_default_product(ca.certificate()), None);
    let mut known: Vec<_> = super::PUBLIC_CERTIFICATES.iter().map(|p| p.sha256).collect();
    assert!(known.iter().all(|k| k.len() == 64));
    known.sort_unstable();
    known.dedup();
    assert_eq!(known.len(), super::PUBLIC_CERTIFICATES.len());
}
