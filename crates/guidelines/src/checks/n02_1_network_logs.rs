use crate::{Check, CheckMeta, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("N02.1", "Logs of proxies, load balancers and network devices are kept and read").both(),
    run,
);

fn run(_: &Posture) -> Judgement {
    Judgement::Unknown(Gap::new(
        "only people can know this",
        "portcullis audit attest N02.1 --owner NAME --reason TEXT --expires DATE",
    ))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[];
