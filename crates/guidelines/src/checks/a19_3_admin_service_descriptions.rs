use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A19.3", "Descriptions of administrative services are not published").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "admin_service.wsdl.enable",
    shipped: "false",
    holds: |value| value != "true",
    section: "admin_service.wsdl",
    line: "enable = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("true", |p| set(p, "admin_service.wsdl.enable", "true"))];
