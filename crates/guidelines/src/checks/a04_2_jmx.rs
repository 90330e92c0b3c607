use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A04.2", "No JMX port is open").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "monitoring.jmx.rmi_server_start",
    shipped: "true",
    holds: |value| value == "false",
    section: "monitoring.jmx",
    line: "rmi_server_start = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "monitoring.jmx.rmi_server_start")),
    ("true", |p| set(p, "monitoring.jmx.rmi_server_start", "true")),
];
