use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("M01.5", "The management API does not answer every web site").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "management_api.cors.allowed_origins",
    shipped: "*",
    holds: |value| !value.split(',').any(|origin| origin.trim() == "*"),
    section: "management_api",
    line: "cors.allowed_origins = \"https://console.example.com\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "management_api.cors.allowed_origins"))),
    ("*", |p| mi(p, |p| set(p, "management_api.cors.allowed_origins", "*"))),
];
