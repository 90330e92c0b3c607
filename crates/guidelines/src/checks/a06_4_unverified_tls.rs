use crate::{Check, CheckMeta, Fault, Judgement, Posture, Protection};
#[cfg(test)]
use crate::{ConnectionPurpose, testing::conn};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A06.4", "Certificates and names of other systems are verified").always().both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.connections.each("connections", |c| {
        let wrong = !c.local && c.protection == Protection::Unverified;
        wrong.then(|| {
            Fault::new(
                format!("the connection to {} does not verify who answers", c.target),
                format!("write `{}` into {}", c.remedy, c.key),
            )
            .at(&c.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("database", |p| conn(p, ConnectionPurpose::Database).protection = Protection::Unverified),
    ("directory", |p| conn(p, ConnectionPurpose::UserStore).protection = Protection::Unverified),
];
