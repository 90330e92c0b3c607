//! Checks of one rule over every certificate.

use crate::{CertificateRule, Fault, Judgement, KeystoreFacts, KeystorePurpose, Posture};

/// Finds certificates that break a rule, in trust stores or in all other stores.
pub(super) fn judge(posture: &Posture, rule: CertificateRule, stores: fn(&KeystoreFacts) -> bool) -> Judgement {
    posture.keystores.judge(|all| {
        let mut faults = Vec::new();
        let mut count = 0_usize;
        for store in all.iter().filter(|store| stores(store)) {
            for certificate in &store.certificates {
                count = count.saturating_add(1);
                for fault in certificate.faults.iter().filter(|fault| fault.rule == rule) {
                    let name =
                        if certificate.alias.is_empty() { String::new() } else { format!("{}: ", certificate.alias) };
                    faults.push(Fault::new(format!("{name}{}", fault.observed), fault.fix.clone()).at(&store.place));
                }
            }
        }
        Judgement::of(faults, format!("{count} certificates"))
    })
}

/// Every store.
pub(super) const fn any(_: &KeystoreFacts) -> bool {
    true
}

/// Stores of trusted certificates.
pub(super) fn trusted(store: &KeystoreFacts) -> bool {
    store.purpose == KeystorePurpose::Trust
}

/// Stores of own keys.
pub(super) fn own(store: &KeystoreFacts) -> bool {
    store.purpose != KeystorePurpose::Trust
}
