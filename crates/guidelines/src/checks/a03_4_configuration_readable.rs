#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.4", "Other users of the machine cannot read the configuration").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::Configuration)).collect();
        let faults = kind.iter().filter(|file| file.mode & 0o004 != 0).map(|file| {
            Fault::new(
                format!("mode {:04o} lets everybody read", file.mode & 0o7777),
                format!("chmod o-r {}", file.path),
            )
            .at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("world", |p| file(p, FileKind::Configuration).mode = 0o100_644),
    ("others only", |p| file(p, FileKind::Configuration).mode = 0o100_604),
];
