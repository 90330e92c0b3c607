use super::rule::FileRule;
#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.3", "Nobody else can change the configuration").both(), run);

const RULE: FileRule = FileRule::not_written_by_others(FileKind::Configuration);

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("group writes", |p| file(p, FileKind::Configuration).mode = 0o100_660),
    ("all write", |p| file(p, FileKind::Configuration).mode = 0o100_602),
];
