use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A25.3", "Registration without a password sends people to listed addresses only").wso2(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    super::rule::callbacks(posture, "identity_mgt.lite_user_registration")
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("left out", |p| p.wso2.known_mut().unwrap().callbacks[2].pattern = None)];
