use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A04.5", "The webhook listener is off unless it is used").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "apim.webhooks.http.enable",
    shipped: "true",
    holds: |value| value == "false",
    section: "apim.webhooks.http",
    line: "enable = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "apim.webhooks.http.enable")),
    ("true", |p| set(p, "apim.webhooks.http.enable", "true")),
];
