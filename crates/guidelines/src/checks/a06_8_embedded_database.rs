use crate::{Check, CheckMeta, Fault, Judgement, Posture};
#[cfg(test)]
use crate::{ConnectionPurpose, testing::conn};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A06.8", "No embedded example database is in use").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    posture.connections.each("connections", |c| {
        let wrong = c.embedded_example;
        wrong.then(|| {
            Fault::new(
                format!("{} is an embedded database for trying out", c.target),
                format!("write `{}` into {}", c.remedy, c.key),
            )
            .at(&c.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("h2", |p| conn(p, ConnectionPurpose::Database).embedded_example = true),
    ("second", |p| p.connections.known_mut().unwrap()[0].embedded_example = true),
];
