use crate::{Check, CheckMeta, Fault, Judgement, KeystorePurpose, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A02.16", "TLS certificates are replaced at least every 825 days").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.keystores.each("key stores", |store| {
        let tls = (store.purpose == KeystorePurpose::Tls).then_some(store)?;
        let long =
            tls.certificates.iter().find(|certificate| certificate.has_key && certificate.validity_days > 825)?;
        let observed = format!("{} is valid for {} days", long.alias, long.validity_days);
        Some(
            Fault::new(observed, "a lost key stays useful as long as its certificate: issue it for a year")
                .at(&store.place),
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("10 years", |p| p.keystores.known_mut().unwrap()[0].certificates[0].validity_days = 3652),
    ("826 days", |p| p.keystores.known_mut().unwrap()[0].certificates[0].validity_days = 826),
];
