#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O08.1", "Expired sessions and tokens are removed").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.cleanup.judge(|cleanup| {
        Judgement::expect(
            cleanup.enabled,
            format!("every {} s, {} rows at a time", cleanup.every_seconds, cleanup.chunk),
            || {
                Fault::new(
                    "the removal of expired data is off",
                    "write `cleanup.enable_expired_data_cleanup = true` below [session_data]",
                )
                .at(&cleanup.place)
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("off", |p| p.cleanup.known_mut().unwrap().enabled = false),
    ("in a WSO2 home", |p| wso2(p, |p| p.cleanup.known_mut().unwrap().enabled = false)),
];
