use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A13.50", "Every key exchange is elliptic with at least 253 bits"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (found.finite_field.is_some() || found.smallest_group.is_none_or(|bits| bits < 253)).then(|| {
            Fault::new(
                format!("finite field: {:?} bits, smallest group: {:?} bits", found.finite_field, found.smallest_group),
                "offer ECDHE with X25519 or P-256 and nothing smaller",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("1024-bit DHE", |p| {
        p.tls_probes.known_mut().unwrap()[0].finite_field = Some(1024);
    }),
    ("small curve", |p| {
        p.tls_probes.known_mut().unwrap()[0].smallest_group = Some(160);
    }),
];
