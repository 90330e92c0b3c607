#[cfg(test)]
use crate::testing::wso2;
use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O08.3", "Expired data is removed at least once a day").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.cleanup.judge(|cleanup| {
        Judgement::expect(
            cleanup.every_seconds <= 86_400,
            format!("every {} s, {} rows at a time", cleanup.every_seconds, cleanup.chunk),
            || {
                Fault::new(
                    format!("every {} hours", cleanup.every_seconds / 3600),
                    "write `cleanup.clean_expired_session_data_every = \"1d\"` below [session_data]",
                )
                .at(&cleanup.place)
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("weekly", |p| p.cleanup.known_mut().unwrap().every_seconds = 604_800),
    ("in a WSO2 home", |p| wso2(p, |p| p.cleanup.known_mut().unwrap().every_seconds = 86_401)),
];
