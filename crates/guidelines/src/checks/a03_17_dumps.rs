use super::rule::FileRule;
#[cfg(test)]
use crate::testing::stray;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.17", "No memory dump lies in the installation").both(), run);

const RULE: FileRule = FileRule::absent(FileKind::Dump, "a dump holds every secret that was in memory", "shred -u");

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("heap dump", |p| stray(p, FileKind::Dump, "heap-dump.hprof")),
    ("core", |p| stray(p, FileKind::Dump, "core.123")),
];
