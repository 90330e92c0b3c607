use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A05.1", "The directory is never bound anonymously").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: None,
    key: "user_store.anonymous_bind",
    shipped: "false",
    holds: |value| value != "true",
    section: "user_store",
    line: "anonymous_bind = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("true", |p| set(p, "user_store.anonymous_bind", "true"))];
