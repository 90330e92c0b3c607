use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A19.5", "The server cannot be restarted through its API").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "server.enable_restart_from_api",
    shipped: "false",
    holds: |value| value != "true",
    section: "server",
    line: "enable_restart_from_api = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("true", |p| set(p, "server.enable_restart_from_api", "true"))];
