use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("X02.1", "The try-it console is off").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "system.parameter.tryItFunctionalityDisabled",
    shipped: "false",
    holds: |value| value == "true",
    section: "system.parameter",
    line: "tryItFunctionalityDisabled = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "system.parameter.tryItFunctionalityDisabled")),
    ("false", |p| set(p, "system.parameter.tryItFunctionalityDisabled", "false")),
];
