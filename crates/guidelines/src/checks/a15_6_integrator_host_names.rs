use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A15.6", "The integrator verifies host names of backends strictly").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "transport.http.sender.hostname_verifier",
    shipped: "DefaultAndLocalhost",
    holds: |value| value.eq_ignore_ascii_case("strict"),
    section: "transport.http",
    line: "sender.hostname_verifier = \"Strict\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "transport.http.sender.hostname_verifier"))),
    ("AllowAll", |p| mi(p, |p| set(p, "transport.http.sender.hostname_verifier", "AllowAll"))),
];
