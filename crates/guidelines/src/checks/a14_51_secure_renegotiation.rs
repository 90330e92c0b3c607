use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A14.51", "Every listener knows secure renegotiation, or none at all"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (!found.secure_renegotiation).then(|| {
            Fault::new(
                "the answer to a hello lacks renegotiation_info (RFC 5746)",
                "update the TLS library of what stands before this listener",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("not signalled", |p| {
    p.tls_probes.known_mut().unwrap()[0].secure_renegotiation = false;
})];
