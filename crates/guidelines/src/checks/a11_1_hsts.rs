use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A11.1", "HTTP Strict Transport Security is on").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "http_header_security_filter.hsts.enabled",
    shipped: "false",
    holds: |value| value == "true",
    section: "http_header_security_filter",
    line: "hsts.enabled = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "http_header_security_filter.hsts.enabled")),
    ("false", |p| set(p, "http_header_security_filter.hsts.enabled", "false")),
];
