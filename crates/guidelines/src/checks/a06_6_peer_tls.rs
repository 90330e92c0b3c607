#[cfg(test)]
use crate::testing::{conn, wso2};
use crate::{Check, CheckMeta, ConnectionPurpose, Fault, Judgement, Posture, Protection};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A06.6", "Other nodes are reached over TLS").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.connections.each("connections", |c| {
        let wrong = c.purpose == ConnectionPurpose::Peer && !c.local && c.protection == Protection::Plain;
        wrong.then(|| {
            Fault::new(
                format!("the node at {} is called in plain text", c.target),
                format!("write `{}` into {}", c.remedy, c.key),
            )
            .at(&c.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("plain", |p| conn(p, ConnectionPurpose::Peer).protection = Protection::Plain),
    ("in a WSO2 home", |p| wso2(p, |p| conn(p, ConnectionPurpose::Peer).protection = Protection::Plain)),
];
