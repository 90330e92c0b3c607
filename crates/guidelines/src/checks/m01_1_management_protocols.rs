use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("M01.1", "The management API speaks HTTPS only").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "management_api.protocols",
    shipped: "https http",
    holds: |value| !value.split([',', ' ']).any(|word| word.trim() == "http"),
    section: "management_api",
    line: "protocols = \"https\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "management_api.protocols"))),
    ("https http", |p| mi(p, |p| set(p, "management_api.protocols", "https http"))),
    ("http", |p| mi(p, |p| set(p, "management_api.protocols", "http"))),
];
