use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A09.5", "Revoked certificates of backends are refused").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "transport.http.sender.certificate_revocation_verifier_enable",
    shipped: "false",
    holds: |value| value == "true",
    section: "transport.http",
    line: "sender.certificate_revocation_verifier_enable = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "transport.http.sender.certificate_revocation_verifier_enable"))),
    ("false", |p| mi(p, |p| set(p, "transport.http.sender.certificate_revocation_verifier_enable", "false"))),
];
