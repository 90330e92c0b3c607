use super::rule::FileRule;
#[cfg(test)]
use crate::testing::stray;
use crate::{Check, CheckMeta, FileKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.6", "No copies of configuration files lie about").both(), run);

const RULE: FileRule =
    FileRule::absent(FileKind::ConfigurationCopy, "a copy keeps secrets and settings of another day", "rm");

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("backup", |p| stray(p, FileKind::ConfigurationCopy, "deployment.toml.bak")),
    ("editor", |p| stray(p, FileKind::ConfigurationCopy, "deployment.toml~")),
];
