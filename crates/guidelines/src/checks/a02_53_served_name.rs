use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A02.53", "Certificates that are really served are made for the configured host name"),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.judge(|all| {
        let shown = all.iter().flat_map(|probe| probe.certificates.iter().map(move |found| (probe, found)));
        let faults = shown.filter(|(_, found)| !found.for_host).map(|(probe, found)| {
            Fault::new(
                format!("{} is not made for the host name of [server]", found.subject),
                "portcullis keystore generate, or put a sound certificate into [keystore.tls]",
            )
            .at(probe.place.clone())
        });
        Judgement::of(faults.collect(), format!("{} listeners probed", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("other name", |p| {
    p.tls_probes.known_mut().unwrap()[0].certificates[0].for_host = false;
})];
