use crate::{Check, CheckMeta, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O06.1", "Security updates of the host and of Java are installed").wso2(), run);

fn run(_: &Posture) -> Judgement {
    Judgement::Unknown(Gap::new(
        "only people can know this",
        "portcullis audit attest O06.1 --owner NAME --reason TEXT --expires DATE",
    ))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[];
