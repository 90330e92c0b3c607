use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A06.3", "The directory's certificate is verified").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "user_store.properties.ssl_certificate_validation_enabled",
    shipped: "true",
    holds: |value| value != "false",
    section: "user_store.properties",
    line: "ssl_certificate_validation_enabled = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("false", |p| set(p, "user_store.properties.ssl_certificate_validation_enabled", "false"))];
