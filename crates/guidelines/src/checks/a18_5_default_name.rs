use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A18.5", "The administrator is not called admin").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "super_admin.username",
    shipped: "admin",
    holds: |value| !["admin", "administrator", "root"].contains(&value.to_ascii_lowercase().as_str()),
    section: "super_admin",
    line: "username = \"platform-owner\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "super_admin.username")),
    ("admin", |p| set(p, "super_admin.username", "admin")),
    ("Administrator", |p| set(p, "super_admin.username", "Administrator")),
];
