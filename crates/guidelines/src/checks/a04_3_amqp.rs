use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A04.3", "The message broker accepts no plain-text connections").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "broker.transport.amqp.default_connection.enabled",
    shipped: "true",
    holds: |value| value == "false",
    section: "broker.transport.amqp.default_connection",
    line: "enabled = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "broker.transport.amqp.default_connection.enabled")),
    ("true", |p| set(p, "broker.transport.amqp.default_connection.enabled", "true")),
];
