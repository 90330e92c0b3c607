use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("X03.4", "The list of native objects for scripts is an allow-list").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "synapse_properties.limit_java_native_object_access_in_scripts.list_type",
    shipped: "BLOCK_LIST",
    holds: |value| value == "ALLOW_LIST",
    section: "synapse_properties",
    line: "'limit_java_native_object_access_in_scripts.list_type' = \"ALLOW_LIST\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "synapse_properties.limit_java_native_object_access_in_scripts.list_type")),
    ("BLOCK_LIST", |p| set(p, "synapse_properties.limit_java_native_object_access_in_scripts.list_type", "BLOCK_LIST")),
];
