use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A21.50", "Nothing that a client sends makes a line of its own in a log"), run);

fn run(posture: &Posture) -> Judgement {
    posture.log_forging.each("payloads tried", |found| {
        (!found.refused).then(|| {
            Fault::new(format!("{}: {}", found.what, found.observed), "set format = \"json\" in [logging]")
                .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.log_forging.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.log_forging.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
