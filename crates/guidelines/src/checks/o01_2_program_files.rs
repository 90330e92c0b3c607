#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O01.2", "Nobody else can change the program and its scripts").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::Program)).collect();
        let faults = kind.iter().filter(|file| file.mode & 0o022 != 0).map(|file| {
            Fault::new(
                format!("mode {:04o} lets others write", file.mode & 0o7777),
                format!("chmod go-w {}", file.path),
            )
            .at(&file.path)
        });
        Judgement::of(faults.collect(), format!("{} files", kind.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("group", |p| file(p, FileKind::Program).mode = 0o100_775),
    ("all", |p| file(p, FileKind::Program).mode = 0o100_757),
];
