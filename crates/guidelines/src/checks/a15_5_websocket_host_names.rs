use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::set;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A15.5", "Host names of WebSocket backends are verified").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "transport.wss.sender.parameters.ws.client.enable.hostname.verification",
    shipped: "true",
    holds: |value| value != "false",
    section: "transport.wss.sender.parameters",
    line: "'ws.client.enable.hostname.verification' = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("false", |p| set(p, "transport.wss.sender.parameters.ws.client.enable.hostname.verification", "false"))];
