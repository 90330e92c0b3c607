use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A02.9", "No own certificate ends within 30 days").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.keystores.judge(|all| {
        let own =
            all.iter().flat_map(|store| store.certificates.iter().map(move |c| (store, c))).filter(|(_, c)| c.has_key);
        let ending = own.filter(|(_, certificate)| (0..=30).contains(&certificate.days_left));
        let faults = ending.map(|(store, certificate)| {
            let observed = format!("{} ends in {} days", certificate.alias, certificate.days_left);
            Fault::new(observed, "get a new certificate now; a running server takes it without a restart")
                .at(&store.place)
        });
        Judgement::of(faults.collect(), format!("{} key stores", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("30 days", |p| p.keystores.known_mut().unwrap()[0].certificates[0].days_left = 30),
    ("today", |p| p.keystores.known_mut().unwrap()[0].certificates[0].days_left = 0),
];
