use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A19.50", "No administrative operation answers without proof of identity"), run);

fn run(posture: &Posture) -> Judgement {
    super::rule::attempts(&posture.anonymous_routes, "operations tried")
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.anonymous_routes.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.anonymous_routes.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
