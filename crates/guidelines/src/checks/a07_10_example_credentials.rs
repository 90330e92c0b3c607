use crate::{Check, CheckMeta, Fault, Judgement, Posture};
#[cfg(test)]
use crate::{ConnectionPurpose, testing::conn};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.10", "No connection uses the example's name and password").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.connections.each("connections", |c| {
        let wrong = c.default_credentials;
        wrong.then(|| {
            Fault::new(
                format!("{} is called with the name and password of the shipped example", c.target),
                "give the account a password of its own, then write `password = \"$secret{..}\"`",
            )
            .at(&c.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("database", |p| conn(p, ConnectionPurpose::Database).default_credentials = true),
    ("directory", |p| conn(p, ConnectionPurpose::UserStore).default_credentials = true),
];
