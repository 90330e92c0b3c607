use super::rule::FileRule;
#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.18", "The embedded database is closed to other users").always(), run);

const RULE: FileRule = FileRule::closed(FileKind::Database, "chmod 600");

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("group", |p| file(p, FileKind::Database).mode = 0o100_640),
    ("all", |p| file(p, FileKind::Database).mode = 0o100_644),
];
