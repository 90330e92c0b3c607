use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O07.52", "The log of the machine leaves the machine"), run);

fn run(posture: &Posture) -> Judgement {
    posture.monitoring.judge(|found| {
        Judgement::expect(found.forwarded, "it does", || {
            Fault::new(
                "neither rsyslog nor the journal forwards to another machine",
                "configure rsyslog (omfwd) or systemd-journal-upload",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("stays", |p| {
    p.monitoring.known_mut().unwrap().forwarded = false;
})];
