use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("X03.1", "Scripts reach listed Java classes only").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "synapse_properties.limit_java_class_access_in_scripts.enable",
    shipped: "false",
    holds: |value| value == "true",
    section: "synapse_properties",
    line: "'limit_java_class_access_in_scripts.enable' = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "synapse_properties.limit_java_class_access_in_scripts.enable")),
    ("false", |p| set(p, "synapse_properties.limit_java_class_access_in_scripts.enable", "false")),
];
