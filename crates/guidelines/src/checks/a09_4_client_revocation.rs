use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A09.4", "Revoked client certificates are refused").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "transport.passthru_https.listener.cert_revocation_validation.enable",
    shipped: "false",
    holds: |value| value == "true",
    section: "transport.passthru_https.listener",
    line: "cert_revocation_validation.enable = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "transport.passthru_https.listener.cert_revocation_validation.enable")),
    ("false", |p| set(p, "transport.passthru_https.listener.cert_revocation_validation.enable", "false")),
];
