use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A15.4", "The gateway verifies host names of backends strictly").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "transport.passthru_https.sender.parameters.HostnameVerifier",
    shipped: "DefaultAndLocalhost",
    holds: |value| value.eq_ignore_ascii_case("strict"),
    section: "transport.passthru_https.sender.parameters",
    line: "HostnameVerifier = \"Strict\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "transport.passthru_https.sender.parameters.HostnameVerifier")),
    ("AllowAll", |p| set(p, "transport.passthru_https.sender.parameters.HostnameVerifier", "AllowAll")),
];
