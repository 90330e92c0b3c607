use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("X04.1", "Mediators process XML without entities").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "apim.mediation.enable_secure_xml_processing",
    shipped: "true",
    holds: |value| value != "false",
    section: "apim.mediation",
    line: "enable_secure_xml_processing = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("false", |p| set(p, "apim.mediation.enable_secure_xml_processing", "false"))];
