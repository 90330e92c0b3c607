use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A03.10", "The secure vault encrypts with an authenticated cipher").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "system.parameter.org.wso2.CipherTransformation",
    shipped: "RSA/ECB/OAEPwithSHA1andMGF1Padding",
    holds: |value| value.contains("GCM"),
    section: "system.parameter",
    line: "'org.wso2.CipherTransformation' = \"AES/GCM/NoPadding\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "system.parameter.org.wso2.CipherTransformation")),
    ("RSA/ECB/PKCS1Padding", |p| set(p, "system.parameter.org.wso2.CipherTransformation", "RSA/ECB/PKCS1Padding")),
];
