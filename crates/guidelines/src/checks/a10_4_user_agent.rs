use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A10.4", "Calls to backends do not name the product and its version").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "server.userAgent",
    shipped: "WSO2 ${product.key} ${product.version}",
    holds: |value| !super::rule::names_product(value),
    section: "server",
    line: "userAgent = \"client\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "server.userAgent")),
    ("WSO2 Micro Integrator 4.2.0", |p| set(p, "server.userAgent", "WSO2 Micro Integrator 4.2.0")),
];
