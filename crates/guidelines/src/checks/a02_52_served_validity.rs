use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A02.52", "Certificates that are really served are valid now"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.judge(|all| {
        let shown = all.iter().flat_map(|probe| probe.certificates.iter().map(move |found| (probe, found)));
        let faults = shown
            .filter(|(_, found)| found.not_before > posture.taken_at || found.not_after < posture.taken_at)
            .map(|(probe, found)| {
                Fault::new(
                    format!("{} is not valid now", found.subject),
                    "portcullis keystore generate, or put a sound certificate into [keystore.tls]",
                )
                .at(probe.place.clone())
            });
        Judgement::of(faults.collect(), format!("{} listeners probed", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("expired", |p| {
        p.tls_probes.known_mut().unwrap()[0].certificates[0].not_after = 1;
    }),
    ("not yet", |p| {
        p.tls_probes.known_mut().unwrap()[0].certificates[0].not_before = i64::MAX;
    }),
];
