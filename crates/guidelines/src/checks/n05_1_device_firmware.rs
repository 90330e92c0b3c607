use crate::{Check, CheckMeta, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("N05.1", "Firmware of network devices is kept up to date").both(), run);

fn run(_: &Posture) -> Judgement {
    Judgement::Unknown(Gap::new(
        "only people can know this",
        "portcullis audit attest N05.1 --owner NAME --reason TEXT --expires DATE",
    ))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[];
