use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A08.50", "No listener agrees on anything older than TLS 1.2"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (found.versions.iter().any(|v| !matches!(v.as_str(), "TLS 1.2" | "TLS 1.3"))).then(|| Fault::new(format!("it agrees on {}", found.versions.join(", ")), "put nothing before this listener that terminates TLS with older versions; Portcullis speaks 1.2 and 1.3 only").at(found.place.clone()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("TLS 1.0", |p| {
        p.tls_probes.known_mut().unwrap()[0].versions.push("TLS 1.0".into());
    }),
    ("SSL 3.0", |p| {
        p.tls_probes.known_mut().unwrap()[0].versions = vec!["SSL 3.0".into()];
    }),
];
