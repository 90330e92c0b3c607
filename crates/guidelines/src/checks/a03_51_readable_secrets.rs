use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.51", "No log or data file holds a secret in readable form"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secret_scan.each("files searched", |found| {
        (!found.refused).then(|| {
            Fault::new(
                format!("{}: {}", found.what, found.observed),
                "delete the file, and change the secret: portcullis vault encrypt",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.secret_scan.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.secret_scan.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
