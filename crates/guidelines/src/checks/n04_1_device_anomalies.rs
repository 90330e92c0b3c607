use crate::{Check, CheckMeta, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("N04.1", "Network devices are checked for anomalies: routing tables, firewall rules").both(),
    run,
);

fn run(_: &Posture) -> Judgement {
    Judgement::Unknown(Gap::new(
        "only people can know this",
        "portcullis audit attest N04.1 --owner NAME --reason TEXT --expires DATE",
    ))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[];
