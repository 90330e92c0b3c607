use super::{GenerateError, generate_ca, issue_server_certificate};
use crate::random::SystemRng;
use crate::testing::{NOW, error_of};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use std::time::Duration;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|n| (*n).to_owned()).collect()
}

#[test]
fn a_strict_verifier_accepts_chain_and_names() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let wanted = ["localhost", "API.Example.com", "*.tenant.example.com", "127.0.0.1", "::1"];
    let leaf = issue_server_certificate(&ca, &names(&wanted), NOW, &SystemRng).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.certificate().clone()).unwrap();
    let parsed = ParsedCertificate::try_from(&leaf.chain[0]).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW.seconds().cast_unsigned()));
    let algorithms = crate::tls::provider().signature_verification_algorithms;
    rustls::client::verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms.all).unwrap();
    for name in ["localhost", "api.example.com", "a.tenant.example.com", "127.0.0.1", "::1"] {
        let name = ServerName::try_from(name).unwrap();
        rustls::client::verify_server_name(&parsed, &name).unwrap();
    }
    let other = ServerName::try_from("example.com").unwrap();
    assert!(rustls::client::verify_server_name(&parsed, &other).is_err());
}

#[test]
fn serials_are_random_positive_and_long() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let serial = |n: &[u8]| X509Certificate::from_der(n).unwrap().1.raw_serial().to_vec();
    let one = issue_server_certificate(&ca, &names(&["a.test"]), NOW, &SystemRng).unwrap();
    let two = issue_server_certificate(&ca, &names(&["a.test"]), NOW, &SystemRng).unwrap();
    let serials = [serial(ca.certificate()), serial(&one.chain[0]), serial(&two.chain[0])];
    assert!(serials.iter().all(|s| s.len() == 16 && s[0] & 0x80 == 0));
    assert!(serials[0] != serials[1] && serials[1] != serials[2]);
}

#[test]
fn the_authority_is_marked_and_the_leaf_is_not() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    let leaf = issue_server_certificate(&ca, &names(&["a.test"]), NOW, &SystemRng).unwrap();
    let (_, ca) = X509Certificate::from_der(ca.certificate()).unwrap();
    let (_, leaf) = X509Certificate::from_der(&leaf.chain[0]).unwrap();
    assert!(ca.is_ca() && !leaf.is_ca());
    assert_eq!(ca.basic_constraints().unwrap().unwrap().value.path_len_constraint, Some(0));
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
    let days =
        |c: &X509Certificate<'_>| (c.validity().not_after.timestamp() - c.validity().not_before.timestamp()) / 86400;
    assert_eq!((days(&ca), days(&leaf)), (3652, 397));
}

#[test]
fn bad_names_are_refused() {
    let ca = generate_ca("Test CA", NOW, &SystemRng).unwrap();
    for bad in
        ["", " ", "a b", "*", "*.com", "a.*.com", "https://a.com", "a.com/", "ex\u{e4}mple.com", "-a.com", "a..b"]
    {
        let result = issue_server_certificate(&ca, &names(&[bad]), NOW, &SystemRng);
        assert!(matches!(error_of(result), GenerateError::BadName { .. }), "{bad}");
    }
    assert!(matches!(
        error_of(issue_server_certificate(&ca, &[], NOW, &SystemRng)),
        GenerateError::NameCount { count: 0 }
    ));
}
