use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("X01.50", "Identity endpoints want to know who asks"), run);

fn run(posture: &Posture) -> Judgement {
    super::rule::attempts(&posture.anonymous_identity, "endpoints tried")
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
