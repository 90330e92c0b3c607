use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A14.50", "No listener lets a client renegotiate"), run);

fn run(posture: &Posture) -> Judgement {
    posture.tls_probes.each("listeners probed", |found| {
        (found.client_renegotiation != Some(false)).then(|| {
            Fault::new(
                match found.client_renegotiation {
                    Some(true) => "a second hello on the same connection was accepted",
                    _ => "no handshake could be completed to try it",
                },
                "switch client-initiated renegotiation off in what stands before this listener",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("accepted", |p| {
        p.tls_probes.known_mut().unwrap()[0].client_renegotiation = Some(true);
    }),
    ("untried", |p| {
        p.tls_probes.known_mut().unwrap()[0].client_renegotiation = None;
    }),
];
