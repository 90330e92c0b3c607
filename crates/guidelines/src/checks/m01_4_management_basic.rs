use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("M01.4", "The management API takes no passwords with every call").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "management_api.basic_security_handler.enable",
    shipped: "false",
    holds: |value| value != "true",
    section: "management_api",
    line: "basic_security_handler.enable = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("true", |p| mi(p, |p| set(p, "management_api.basic_security_handler.enable", "true")))];
