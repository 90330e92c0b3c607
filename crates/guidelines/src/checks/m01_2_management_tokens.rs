use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("M01.2", "The management API asks for a token").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "management_api.jwt_token_security_handler.enable",
    shipped: "true",
    holds: |value| value != "false",
    section: "management_api",
    line: "jwt_token_security_handler.enable = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("false", |p| mi(p, |p| set(p, "management_api.jwt_token_security_handler.enable", "false")))];
