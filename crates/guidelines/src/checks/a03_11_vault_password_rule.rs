use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.11", "Secrets in the vault have a real minimum length").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "system.parameter.org.wso2.SecureVaultPasswordRegEx",
    shipped: "^[\\S]{5,30}$",
    holds: |pattern| super::rule::least_length(pattern) >= 10,
    section: "system.parameter",
    line: "'org.wso2.SecureVaultPasswordRegEx' = '^[\\S]{12,128}$'",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "system.parameter.org.wso2.SecureVaultPasswordRegEx"))),
    ("^.{1,30}$", |p| mi(p, |p| set(p, "system.parameter.org.wso2.SecureVaultPasswordRegEx", "^.{1,30}$"))),
];
