use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A16.1", "Tokens against forged requests have at least 32 characters").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "owasp.csrfguard.token_length",
    shipped: "32",
    holds: |value| value.parse().is_ok_and(|length: u32| length >= 32),
    section: "owasp.csrfguard",
    line: "token_length = 32",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("8", |p| set(p, "owasp.csrfguard.token_length", "8"))];
