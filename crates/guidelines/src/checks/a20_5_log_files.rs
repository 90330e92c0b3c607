#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A20.5", "Other users of the machine cannot read or change log files").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::Log)).collect();
        let faults = kind.iter().filter(|file| file.mode & 0o027 != 0).map(|file| {
            Fault::new(format!("mode {:04o}", file.mode & 0o7777), format!("chmod g-w,o-rwx {}", file.path))
                .at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("world reads", |p| file(p, FileKind::Log).mode = 0o100_644),
    ("group writes", |p| file(p, FileKind::Log).mode = 0o100_660),
];
