use super::rule::FileRule;
#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.5", "The directory of keys is closed to others").always(), run);

const RULE: FileRule = FileRule::closed(FileKind::KeyDirectory, "chmod 700");

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("group", |p| file(p, FileKind::KeyDirectory).mode = 0o040_750),
    ("all", |p| file(p, FileKind::KeyDirectory).mode = 0o040_755),
];
