use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O08.5", "Sessions that were never finished are removed").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "session_data.cleanup.enable_pre_session_data_cleanup",
    shipped: "true",
    holds: |value| value != "false",
    section: "session_data",
    line: "cleanup.enable_pre_session_data_cleanup = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("false", |p| set(p, "session_data.cleanup.enable_pre_session_data_cleanup", "false"))];
