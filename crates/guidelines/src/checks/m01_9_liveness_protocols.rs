use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("M01.9", "The liveness probe speaks HTTPS only").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "liveness_probe.protocols",
    shipped: "http",
    holds: |value| !value.split([',', ' ']).any(|word| word.trim() == "http"),
    section: "liveness_probe",
    line: "protocols = \"https\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "liveness_probe.protocols"))),
    ("http", |p| mi(p, |p| set(p, "liveness_probe.protocols", "http"))),
];
