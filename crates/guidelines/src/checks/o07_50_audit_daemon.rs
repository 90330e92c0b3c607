use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O07.50", "What people do on the machine is recorded"), run);

fn run(posture: &Posture) -> Judgement {
    posture.monitoring.judge(|found| {
        Judgement::expect(found.auditd, "auditd runs", || {
            Fault::new("auditd does not run", "apt-get install auditd && systemctl enable --now auditd")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("off", |p| {
    p.monitoring.known_mut().unwrap().auditd = false;
})];
