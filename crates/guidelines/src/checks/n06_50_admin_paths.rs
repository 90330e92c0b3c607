use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("N06.50", "Gateways answer administrative paths like any unknown path"), run);

fn run(posture: &Posture) -> Judgement {
    posture.admin_paths.each("paths tried", |found| {
        (!found.refused).then(|| {
            Fault::new(format!("{}: {}", found.what, found.observed), "undeploy the API that has this context")
                .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.admin_paths.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.admin_paths.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
