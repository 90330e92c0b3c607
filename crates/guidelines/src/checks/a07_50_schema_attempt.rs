use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.50", "The database refuses to let the server change the schema"), run);

fn run(posture: &Posture) -> Judgement {
    posture.database_attempts.each("statements tried", |found| {
        (!found.refused).then(|| {
            Fault::new(
                format!("{}: {}", found.what, found.observed),
                "portcullis db migrate as the owner, and REVOKE CREATE ON SCHEMA public FROM the runtime role",
            )
            .at(found.place.clone())
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("went through", |p| {
        p.database_attempts.known_mut().unwrap()[0].refused = false;
    }),
    ("last one", |p| {
        p.database_attempts.known_mut().unwrap().last_mut().unwrap().refused = false;
    }),
];
