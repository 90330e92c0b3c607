use super::rule::FileRule;
#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O01.2", "Nobody else can change the program and its scripts").both(), run);

const RULE: FileRule = FileRule::not_written_by_others(FileKind::Program);

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("group", |p| file(p, FileKind::Program).mode = 0o100_775),
    ("all", |p| file(p, FileKind::Program).mode = 0o100_757),
];
