use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A17.6", "A remembered sign-in ends after at most 14 days").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "session.timeout.remember_me_session_timeout",
    shipped: "14d",
    holds: |value| super::rule::minutes(value).is_some_and(|minutes| minutes <= 14 * 24 * 60),
    section: "session.timeout",
    line: "remember_me_session_timeout = \"14d\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("365d", |p| set(p, "session.timeout.remember_me_session_timeout", "365d"))];
