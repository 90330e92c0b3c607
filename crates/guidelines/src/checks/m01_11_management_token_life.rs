use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("M01.11", "Tokens of the management API live at most an hour").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "management_api.jwt_token_security_handler.token_config.expiry",
    shipped: "3600",
    holds: |value| value.parse().is_ok_and(|seconds: u64| seconds <= 3600),
    section: "management_api",
    line: "jwt_token_security_handler.token_config.expiry = 3600",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("86400", |p| mi(p, |p| set(p, "management_api.jwt_token_security_handler.token_config.expiry", "86400")))];
