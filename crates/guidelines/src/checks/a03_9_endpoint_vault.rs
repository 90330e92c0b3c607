use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.9", "Credentials of endpoints are kept in the secure vault").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "apim.enable_secure_vault",
    shipped: "false",
    holds: |value| value == "true",
    section: "apim",
    line: "enable_secure_vault = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "apim.enable_secure_vault")),
    ("false", |p| set(p, "apim.enable_secure_vault", "false")),
];
