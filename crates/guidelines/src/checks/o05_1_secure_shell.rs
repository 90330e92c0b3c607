use crate::{Check, CheckMeta, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("O05.1", "Administrators use SSH with keys, without root, on another port").wso2(),
    run,
);

fn run(_: &Posture) -> Judgement {
    Judgement::Unknown(Gap::new(
        "only people can know this",
        "portcullis audit attest O05.1 --owner NAME --reason TEXT --expires DATE",
    ))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[];
