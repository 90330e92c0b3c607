use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("M02.3", "The management API does not keep users in the configuration").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "internal_apis.file_user_store.enable",
    shipped: "true",
    holds: |value| value == "false",
    section: "internal_apis",
    line: "file_user_store.enable = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "internal_apis.file_user_store.enable"))),
    ("true", |p| mi(p, |p| set(p, "internal_apis.file_user_store.enable", "true"))),
];
