use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("M02.1", "No administrator is created from the configuration").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "super_admin.create_admin_account",
    shipped: "true",
    holds: |value| value == "false",
    section: "super_admin",
    line: "create_admin_account = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "super_admin.create_admin_account"))),
    ("true", |p| mi(p, |p| set(p, "super_admin.create_admin_account", "true"))),
];
