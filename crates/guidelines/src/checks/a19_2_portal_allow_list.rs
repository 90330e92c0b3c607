use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::should("A19.2", "The portals of publishers and administrators admit listed addresses only").wso2(),
    run,
);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "web_app.control_access.enable",
    shipped: "false",
    holds: |value| value == "true",
    section: "web_app.control_access",
    line: "enable = true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "web_app.control_access.enable")),
    ("false", |p| set(p, "web_app.control_access.enable", "false")),
];
