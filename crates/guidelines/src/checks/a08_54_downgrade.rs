use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("A08.54", "Every listener notices when a client was talked into an older version"),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (!found.downgrade_refused).then(|| {
            Fault::new(
                "a hello that says it is a fallback was accepted (RFC 7507)",
                "update the TLS library of what stands before this listener",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("accepted", |p| {
    p.tls_probes.known_mut().unwrap()[0].downgrade_refused = false;
})];
