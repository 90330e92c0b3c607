use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A19.1", "The management console admits listed addresses only").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "admin_console.control_access.enable",
    shipped: "false",
    holds: |value| value == "true",
    section: "admin_console.control_access",
    line: "enable = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "admin_console.control_access.enable")),
    ("false", |p| set(p, "admin_console.control_access.enable", "false")),
];
