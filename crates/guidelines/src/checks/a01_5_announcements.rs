use crate::{Check, CheckMeta, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A01.5", "Somebody reads the security announcements and acts on them").both(), run);

fn run(_: &Posture) -> Judgement {
    Judgement::Unknown(Gap::new(
        "only people can know this",
        "portcullis audit attest A01.5 --owner NAME --reason TEXT --expires DATE",
    ))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[];
