use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A16.2", "Pages cannot be framed by other sites").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "http_header_security_filter.anti_click_jacking.enabled",
    shipped: "false",
    holds: |value| value == "true",
    section: "http_header_security_filter",
    line: "anti_click_jacking.enabled = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "http_header_security_filter.anti_click_jacking.enabled")),
    ("false", |p| set(p, "http_header_security_filter.anti_click_jacking.enabled", "false")),
];
