use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A17.2", "Sessions end after at most 30 idle minutes").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "tomcat.global.session_timeout",
    shipped: "30m",
    holds: |value| super::rule::minutes(value).is_some_and(|minutes| (1..=30).contains(&minutes)),
    section: "tomcat.global",
    line: "session_timeout = \"30m\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("8h", |p| set(p, "tomcat.global.session_timeout", "8h")),
    ("-1", |p| set(p, "tomcat.global.session_timeout", "-1")),
];
