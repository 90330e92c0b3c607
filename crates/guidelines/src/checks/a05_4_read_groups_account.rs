use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A05.4", "The administrator is not created in the directory").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "super_admin.create_admin_account",
    shipped: "true",
    holds: |value| value == "false",
    section: "super_admin",
    line: "create_admin_account = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge_with_directory(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("true", |p| set(p, "super_admin.create_admin_account", "true")),
    ("left out", |p| unset(p, "super_admin.create_admin_account")),
];
