use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A08.53", "No listener compresses inside TLS"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (found.compression).then(|| {
            Fault::new(
                "it agrees to compress, which gives secrets away (CRIME)",
                "switch TLS compression off in what stands before this listener",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("deflate", |p| {
    p.tls_probes.known_mut().unwrap()[0].compression = true;
})];
