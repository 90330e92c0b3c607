use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A19.50", "No administrative operation answers without proof of identity"), run);

fn run(posture: &Posture) -> Judgement {
    posture.anonymous_routes.each("operations tried", |found| {
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
        p.anonymous_routes.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.anonymous_routes.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
