use super::rule::FileRule;
#[cfg(test)]
use crate::testing::file;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O01.3", "Nobody else can write into the home directory").both(), run);

const RULE: FileRule = FileRule::not_written_by_others(FileKind::Home);

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("group", |p| file(p, FileKind::Home).mode = 0o040_775), ("all", |p| file(p, FileKind::Home).mode = 0o040_777)];
