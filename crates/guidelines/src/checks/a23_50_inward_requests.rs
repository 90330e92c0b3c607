use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A23.50", "The server does not fetch what lies on this machine for anybody"), run);

fn run(posture: &Posture) -> Judgement {
    posture.inward_requests.each("addresses tried", |found| {
        (!found.refused).then(|| {
            Fault::new(format!("{}: {}", found.what, found.observed), "take this machine out of `allow` in [egress]")
                .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.inward_requests.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.inward_requests.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
