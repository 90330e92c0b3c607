use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A25.1", "Recovery of passwords sends people to listed addresses only").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    super::rule::callbacks(posture, "identity_mgt.recovery")
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("left out", |p| p.wso2.known_mut().unwrap().callbacks[0].pattern = None)];
