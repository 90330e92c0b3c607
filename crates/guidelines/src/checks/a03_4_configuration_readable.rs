use super::rule::FileRule;
#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.4", "Other users of the machine cannot read the configuration").both(), run);

const RULE: FileRule =
    FileRule { kind: FileKind::Configuration, bits: 0o004, says: "mode {mode} lets everybody read", fix: "chmod o-r" };

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("world", |p| file(p, FileKind::Configuration).mode = 0o100_644),
    ("others only", |p| file(p, FileKind::Configuration).mode = 0o100_604),
];
