//! Facts about key stores and certificates.

use guidelines::{CertificateFacts, CertificateFault, CertificateRule, KeystoreFacts, KeystorePurpose};
use model::Timestamp;
use vault::keystore::{Inspection, KeystoreFormat};
use vault::tls::ServerIdentity;
use vault::{CertificatePurpose, certificate_fingerprint, check_certificate, summarise_certificate};

use crate::config::Config;

/// The certificate that listeners present.
pub(super) fn served(identity: &ServerIdentity, config: &Config, now: Timestamp) -> KeystoreFacts {
    let current = identity.current();
    KeystoreFacts {
        place: "the TLS certificate".to_owned(),
        purpose: KeystorePurpose::Tls,
        section: "keystore.tls".to_owned(),
        format: "PEM".to_owned(),
        wanted_names: vec![config.server.hostname.as_str().to_owned()],
        certificates: certificate("", current.chain(), true, None, now, KeystorePurpose::Tls).into_iter().collect(),
        ..KeystoreFacts::default()
    }
}

/// The certificates of an inspected store.
pub(super) fn fill(store: &mut KeystoreFacts, inspection: &Inspection, now: Timestamp) {
    store.format = match inspection.format {
        Some(KeystoreFormat::Pem) => "PEM",
        Some(KeystoreFormat::Pkcs12) => "PKCS12",
        Some(KeystoreFormat::Jks) => "JKS",
        Some(KeystoreFormat::Jceks) => "JCEKS",
        None => "",
    }
    .to_owned();
    store.unreadable = inspection.fault.as_ref().map(ToString::to_string);
    let entries = inspection.entries.iter();
    store.certificates = entries
        .filter_map(|entry| {
            certificate(&entry.alias, &entry.chain, entry.has_key, entry.key_matches, now, store.purpose)
        })
        .collect();
}

/// One entry judged by the certificate rules.
fn certificate(
    alias: &str,
    chain: &[rustls::pki_types::CertificateDer<'static>],
    has_key: bool,
    key_matches: Option<bool>,
    now: Timestamp,
    purpose: KeystorePurpose,
) -> Option<CertificateFacts> {
    let own = chain.first()?;
    let rules = match purpose {
        KeystorePurpose::Trust => CertificatePurpose::TrustAnchor,
        _ if has_key => CertificatePurpose::Identity,
        _ => CertificatePurpose::TrustAnchor,
    };
    let mut faults: Vec<CertificateFault> = check_certificate(chain, None, now, rules).into_iter().map(fault).collect();
    if key_matches == Some(false) {
        faults.push(CertificateFault {
            rule: CertificateRule::KeyMismatch,
            observed: "the private key does not belong to this certificate".to_owned(),
            fix: vault::CertificateRule::KeyMismatch.fix().to_owned(),
        });
    }
    let summary = summarise_certificate(own);
    let days = |from: Timestamp, to: Timestamp| to.seconds().saturating_sub(from.seconds()).div_euclid(86_400);
    Some(CertificateFacts {
        alias: if alias.is_empty() {
            summary.as_ref().map(|s| s.subject.clone()).unwrap_or_default()
        } else {
            alias.to_owned()
        },
        has_key,
        fingerprint: certificate_fingerprint(own),
        key_fingerprint: summary.as_ref().map(|s| s.key_sha256.clone()).unwrap_or_default(),
        days_left: summary.as_ref().map_or(0, |s| days(now, s.not_after)),
        validity_days: summary.as_ref().map_or(0, |s| days(s.not_before, s.not_after)),
        names: summary.map(|s| s.names).unwrap_or_default(),
        faults,
    })
}

fn fault(found: vault::CertificateFault) -> CertificateFault {
    let rule = match found.rule {
        vault::CertificateRule::PublicDefault => CertificateRule::PublicDefault,
        vault::CertificateRule::WeakRsa => CertificateRule::WeakRsa,
        vault::CertificateRule::WeakCurve => CertificateRule::WeakCurve,
        vault::CertificateRule::WeakSignature => CertificateRule::WeakSignature,
        vault::CertificateRule::Expired => CertificateRule::Expired,
        vault::CertificateRule::NotYetValid => CertificateRule::NotYetValid,
        vault::CertificateRule::KeyMismatch => CertificateRule::KeyMismatch,
        vault::CertificateRule::Unreadable => CertificateRule::Unreadable,
    };
    CertificateFault { rule, observed: found.observed, fix: found.rule.fix().to_owned() }
}
