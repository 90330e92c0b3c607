use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A02.51", "Certificates that are really served have sound signatures"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.judge(|all| {
        let shown = all.iter().flat_map(|probe| probe.certificates.iter().map(move |found| (probe, found)));
        let faults = shown.filter(|(_, found)| found.weak_signature.is_some()).map(|(probe, found)| {
            Fault::new(
                format!("{} is signed with {}", found.subject, found.weak_signature.as_deref().unwrap_or_default()),
                "portcullis keystore generate, or put a sound certificate into [keystore.tls]",
            )
            .at(probe.place.clone())
        });
        Judgement::of(faults.collect(), format!("{} listeners probed", all.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("SHA-1", |p| {
    p.tls_probes.known_mut().unwrap()[0].certificates[0].weak_signature = Some("sha1WithRSAEncryption".into());
})];
