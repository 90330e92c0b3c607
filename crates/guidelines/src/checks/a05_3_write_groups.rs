use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A05.3", "Groups of the directory are not written").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "user_store.write_groups",
    shipped: "true",
    holds: |value| value == "false",
    section: "user_store",
    line: "write_groups = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge_with_directory(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("true", |p| set(p, "user_store.write_groups", "true")), ("left out", |p| unset(p, "user_store.write_groups"))];
