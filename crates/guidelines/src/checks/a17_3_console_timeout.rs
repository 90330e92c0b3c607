use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("A17.3", "Sessions of the management console end after at most 30 idle minutes").wso2(),
    run,
);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "tomcat.management_console.session_timeout",
    shipped: "15m",
    holds: |value| super::rule::minutes(value).is_some_and(|minutes| (1..=30).contains(&minutes)),
    section: "tomcat.management_console",
    line: "session_timeout = \"15m\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("24h", |p| set(p, "tomcat.management_console.session_timeout", "24h"))];
