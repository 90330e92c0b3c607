#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A21.1", "Records of the audit log carry an id that cannot be forged").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.each("log files", |log| {
        (log.audit && !log.record_id).then(|| {
            Fault::new(
                format!("{} has no unique id", log.name),
                format!("begin `{}.layout.pattern` with [%u]", log.prefix),
            )
            .at(&log.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("none", |p| p.logs.known_mut().unwrap()[1].record_id = false),
    ("in a WSO2 home", |p| wso2(p, |p| p.logs.known_mut().unwrap()[1].record_id = false)),
];
