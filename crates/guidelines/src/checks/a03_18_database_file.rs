#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.18", "The embedded database is closed to other users").always(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::Database)).collect();
        let faults = kind.iter().filter(|file| file.others() != 0).map(|file| {
            Fault::new(format!("mode {:04o}", file.mode & 0o7777), format!("chmod 600 {}", file.path)).at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("group", |p| file(p, FileKind::Database).mode = 0o100_640),
    ("all", |p| file(p, FileKind::Database).mode = 0o100_644),
];
