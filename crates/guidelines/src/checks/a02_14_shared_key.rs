#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, KeystorePurpose, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A02.14", "TLS and signing of tokens use different keys").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.keystores.judge(|all| {
        let keys = |purpose| {
            let stores = all.iter().filter(move |store| store.purpose == purpose);
            stores.flat_map(|store| store.certificates.iter().filter(|c| c.has_key).map(move |c| (store, c)))
        };
        let mut faults = Vec::new();
        for (store, tls) in keys(KeystorePurpose::Tls) {
            if keys(KeystorePurpose::Signing).any(|(_, signing)| signing.key_fingerprint == tls.key_fingerprint) {
                let observed = format!("the key of {} also signs tokens", tls.alias);
                faults.push(Fault::new(observed, "give [keystore.primary] a key of its own").at(&store.place));
            }
        }
        Judgement::of(faults, format!("{} key stores", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one key", |p| {
        let stores = p.keystores.known_mut().unwrap();
        let key = stores[0].certificates[0].key_fingerprint.clone();
        stores[2].certificates[0].key_fingerprint = key;
    }),
    ("in a WSO2 home", |p| {
        wso2(p, |p| {
            let stores = p.keystores.known_mut().unwrap();
            let key = stores[2].certificates[0].key_fingerprint.clone();
            stores[0].certificates[0].key_fingerprint = key;
        })
    }),
];
