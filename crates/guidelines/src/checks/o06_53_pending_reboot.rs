use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O06.53", "No reboot is waiting"), run);

fn run(posture: &Posture) -> Judgement {
    posture.updates.judge(|found| {
        Judgement::expect(!found.reboot, "none", || Fault::new("an update waits for a reboot", "reboot"))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("waiting", |p| {
    p.updates.known_mut().unwrap().reboot = true;
})];
