use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O09.53", "Backups are made by themselves"), run);

fn run(posture: &Posture) -> Judgement {
    posture.backups.judge(|found| {
        Judgement::expect(found.scheduled, format!("every {} hours", found.interval), || {
            Fault::new("[backup] enable is false", "enable = true in [backup]")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("off", |p| {
    p.backups.known_mut().unwrap().scheduled = false;
})];
