use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A04.4", "The WebSocket listener is off unless it is used").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "apim.ws.enable",
    shipped: "true",
    holds: |value| value == "false",
    section: "apim.ws",
    line: "enable = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("left out", |p| unset(p, "apim.ws.enable")), ("true", |p| set(p, "apim.ws.enable", "true"))];
