use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("M01.10", "New artifacts are not deployed by dropping a file").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "server.hot_deployment",
    shipped: "true",
    holds: |value| value == "false",
    section: "server",
    line: "hot_deployment = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "server.hot_deployment"))),
    ("true", |p| mi(p, |p| set(p, "server.hot_deployment", "true"))),
];
