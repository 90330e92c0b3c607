use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A17.5", "Single sign-on ends after at most 30 idle minutes").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "session.timeout.idle_session_timeout",
    shipped: "15m",
    holds: |value| super::rule::minutes(value).is_some_and(|minutes| (1..=30).contains(&minutes)),
    section: "session.timeout",
    line: "idle_session_timeout = \"15m\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("7d", |p| set(p, "session.timeout.idle_session_timeout", "7d"))];
