use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A18.50", "No door opens to a publicly known name and password"), run);

fn run(posture: &Posture) -> Judgement {
    posture.default_credentials.each("sign-ins tried", |found| {
        (!found.refused).then(|| {
            Fault::new(format!("{}: {}", found.what, found.observed), "portcullis user reset-password NAME")
                .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.default_credentials.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.default_credentials.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
