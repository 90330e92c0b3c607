use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O06.52", "Security updates are installed by themselves"), run);

fn run(posture: &Posture) -> Judgement {
    posture.updates.judge(|found| {
        Judgement::expect(found.unattended, "on", || {
            Fault::new(
                "unattended upgrades are off",
                "apt-get install unattended-upgrades && dpkg-reconfigure -plow unattended-upgrades",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("off", |p| {
    p.updates.known_mut().unwrap().unattended = false;
})];
