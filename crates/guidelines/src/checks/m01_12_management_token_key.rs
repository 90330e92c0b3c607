use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("M01.12", "Tokens of the management API are signed with 2048 bits or more").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "management_api.jwt_token_security_handler.token_config.size",
    shipped: "2048",
    holds: |value| value.parse().is_ok_and(|bits: u64| bits >= 2048),
    section: "management_api",
    line: "jwt_token_security_handler.token_config.size = 2048",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("1024", |p| mi(p, |p| set(p, "management_api.jwt_token_security_handler.token_config.size", "1024")))];
