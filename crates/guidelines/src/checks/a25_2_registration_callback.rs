use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A25.2", "Self-registration sends people to listed addresses only").wso2(), run);

fn run(posture: &Posture) -> Judgement {
    super::rule::callbacks(posture, "identity_mgt.user_self_registration")
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("left out", |p| p.wso2.known_mut().unwrap().callbacks[1].pattern = None)];
