use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A20.8", "There is room for data and logs"), run);

/// Least free space: 1 GiB, or as much again as is used.
const LEAST: u64 = 1 << 30;

fn run(posture: &Posture) -> Judgement {
    posture.process.judge(|process| match process.free_bytes {
        None => Judgement::Unknown(Gap::new("the free space of the disk is not known", "a file system that tells it")),
        Some(free) => {
            Judgement::expect(free >= LEAST.max(process.data_bytes), format!("{} MiB free", free >> 20), || {
                Fault::new(format!("{} MiB free", free >> 20), "free some space or move the home to a larger disk")
            })
        }
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("full", |p| p.process.known_mut().unwrap().free_bytes = Some(1 << 20)),
    ("less than the data", |p| p.process.known_mut().unwrap().data_bytes = 1 << 62),
];
