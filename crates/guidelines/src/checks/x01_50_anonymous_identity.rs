use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("X01.50", "Identity endpoints want to know who asks"), run);

fn run(posture: &Posture) -> Judgement {
    posture.anonymous_identity.each("endpoints tried", |found| {
        (!found.refused).then(|| {
            Fault::new(
                format!("{}: {}", found.what, found.observed),
                "report it, and put the console on 127.0.0.1 until it is repaired",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.anonymous_identity.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.anonymous_identity.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
