use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A21.6", "Audit records are not switched off").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "system.parameter.disableLegacyAuditLogs",
    shipped: "false",
    holds: |value| value != "true",
    section: "system.parameter",
    line: "disableLegacyAuditLogs = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("true", |p| set(p, "system.parameter.disableLegacyAuditLogs", "true"))];
