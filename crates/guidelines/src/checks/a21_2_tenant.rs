#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A21.2", "Records of the audit log name the tenant").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.logs.each("log files", |log| {
        (log.audit && !log.tenant).then(|| {
            Fault::new(
                format!("{} does not name the tenant", log.name),
                format!("write `TID: [%tenantId]` into {}.layout.pattern", log.prefix),
            )
            .at(&log.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("none", |p| p.logs.known_mut().unwrap()[1].tenant = false),
    ("in a WSO2 home", |p| wso2(p, |p| p.logs.known_mut().unwrap()[1].tenant = false)),
];
