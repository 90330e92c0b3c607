use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("O08.4", "Expired tokens are removed").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "oauth.token_cleanup.enable",
    shipped: "true",
    holds: |value| value != "false",
    section: "oauth.token_cleanup",
    line: "enable = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("false", |p| set(p, "oauth.token_cleanup.enable", "false"))];
