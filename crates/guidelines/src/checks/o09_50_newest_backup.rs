use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O09.50", "The newest backup is not older than the schedule says"), run);

fn run(posture: &Posture) -> Judgement {
    posture.backups.judge(|found| {
        Judgement::expect(
            found.newest_age.is_some_and(|age| age <= found.interval.saturating_mul(2)),
            format!("{:?} hours old", found.newest_age),
            || {
                Fault::new(
                    match found.newest_age {
                        Some(age) => format!("the newest backup is {age} hours old"),
                        None => format!("there is no backup in {}", found.directory),
                    },
                    "portcullis backup create",
                )
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("old", |p| {
        p.backups.known_mut().unwrap().newest_age = Some(1000);
    }),
    ("none", |p| {
        p.backups.known_mut().unwrap().newest_age = None;
    }),
];
