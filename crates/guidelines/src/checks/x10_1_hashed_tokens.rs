use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("X10.1", "Tokens and client secrets are stored as hashes").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "apim.oauth_config.enable_token_hashing",
    shipped: "false",
    holds: |value| value == "true",
    section: "apim.oauth_config",
    line: "enable_token_hashing = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "apim.oauth_config.enable_token_hashing")),
    ("false", |p| set(p, "apim.oauth_config.enable_token_hashing", "false")),
];
