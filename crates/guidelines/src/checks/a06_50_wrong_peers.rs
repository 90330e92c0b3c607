use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A06.50", "Clients of this server refuse peers that cannot prove who they are"), run);

fn run(posture: &Posture) -> Judgement {
    posture.wrong_peers.each("peers tried", |found| {
        (!found.refused).then(|| {
            Fault::new(
                format!("{}: {}", found.what, found.observed),
                "report it, and stop the server until it is repaired",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.wrong_peers.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.wrong_peers.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
