use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O09.54", "Backups lie on another disk than the data"), run);

fn run(posture: &Posture) -> Judgement {
    posture.backups.judge(|found| {
        Judgement::expect(!found.same_disk, found.directory.clone(), || {
            Fault::new(
                format!("{} is on the disk of the data", found.directory),
                "set directory in [backup] to a place on another disk",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("same", |p| {
    p.backups.known_mut().unwrap().same_disk = true;
})];
