#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("X08.1", "The password grant is off").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.tokens.judge(|tokens| {
        Judgement::expect(!tokens.password_grant, "off", || {
            Fault::new(
                "applications may collect passwords of people",
                "write `grant_type.password.enable = false` below [oauth]",
            )
            .at(&tokens.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("on", |p| p.tokens.known_mut().unwrap().password_grant = true),
    ("in a WSO2 home", |p| wso2(p, |p| p.tokens.known_mut().unwrap().password_grant = true)),
];
