use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("X08.50", "The password grant is refused"), run);

fn run(posture: &Posture) -> Judgement {
    posture.password_grant.each("requests tried", |found| {
        (!found.refused).then(|| {
            Fault::new(
                format!("{}: {}", found.what, found.observed),
                "set enable = false in [oauth.grant_type.password]",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.password_grant.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.password_grant.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
