#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, Fault, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.3", "Nobody else can change the configuration").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.files.judge(|all| {
        let kind: Vec<_> = all.iter().filter(|file| matches!(file.kind, FileKind::Configuration)).collect();
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
    ("group writes", |p| file(p, FileKind::Configuration).mode = 0o100_660),
    ("all write", |p| file(p, FileKind::Configuration).mode = 0o100_602),
];
