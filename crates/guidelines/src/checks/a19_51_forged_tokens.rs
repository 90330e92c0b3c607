use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A19.51", "No forged token is accepted"), run);

fn run(posture: &Posture) -> Judgement {
    posture.forged_tokens.each("tokens tried", |found| {
        (!found.refused).then(|| {
            Fault::new(
                format!("{}: {}", found.what, found.observed),
                "report it, and stop the listener until it is repaired",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.forged_tokens.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.forged_tokens.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
