use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O07.51", "The log of the machine survives a reboot"), run);

fn run(posture: &Posture) -> Judgement {
    posture.monitoring.judge(|found| {
        Judgement::expect(found.persistent_log, "it does", || {
            Fault::new(
                "the journal is kept in memory",
                "mkdir -p /var/log/journal && systemctl restart systemd-journald",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("memory", |p| {
    p.monitoring.known_mut().unwrap().persistent_log = false;
})];
