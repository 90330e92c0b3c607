use crate::{Check, CheckMeta, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A23.5", "The network limits where the Publisher can connect to").wso2(), run);

fn run(_: &Posture) -> Judgement {
    Judgement::Unknown(Gap::new(
        "only people can know this",
        "portcullis audit attest A23.5 --owner NAME --reason TEXT --expires DATE",
    ))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[];
