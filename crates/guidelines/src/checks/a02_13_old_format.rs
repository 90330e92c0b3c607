use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A02.13", "Key stores have a format with modern protection").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.keystores.each("key stores", |store| {
        let fix = "keytool -importkeystore -srckeystore OLD -destkeystore new.p12 -deststoretype PKCS12";
        let old = matches!(store.format.as_str(), "JKS" | "JCEKS") && store.certificates.iter().any(|c| c.has_key);
        old.then(|| {
            Fault::new(format!("{} protects private keys with SHA-1 or Triple DES", store.format), fix).at(&store.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("jks", |p| p.keystores.known_mut().unwrap()[0].format = "JKS".into()),
    ("jceks", |p| p.keystores.known_mut().unwrap()[0].format = "JCEKS".into()),
];
