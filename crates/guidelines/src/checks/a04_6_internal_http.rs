use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A04.6", "The plain internal API is off").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "mediation.internal_http_api_enable",
    shipped: "true",
    holds: |value| value == "false",
    section: "mediation",
    line: "internal_http_api_enable = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "mediation.internal_http_api_enable"))),
    ("true", |p| mi(p, |p| set(p, "mediation.internal_http_api_enable", "true"))),
];
