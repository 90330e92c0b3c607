#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A21.7", "Records of every log carry an id that cannot be forged").both(), run);

fn run(posture: &Posture) -> Judgement {
    super::rule::record_ids(posture, false)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("none", |p| p.logs.known_mut().unwrap()[0].record_id = false),
    ("in a WSO2 home", |p| wso2(p, |p| p.logs.known_mut().unwrap()[0].record_id = false)),
];
