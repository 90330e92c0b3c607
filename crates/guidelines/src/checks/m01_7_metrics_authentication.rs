use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("M01.7", "Metrics are for those who sign in").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "prometheus_api.basic_security_handler.enable",
    shipped: "false",
    holds: |value| value == "true",
    section: "prometheus_api",
    line: "basic_security_handler.enable = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "prometheus_api.basic_security_handler.enable"))),
    ("false", |p| mi(p, |p| set(p, "prometheus_api.basic_security_handler.enable", "false"))),
];
