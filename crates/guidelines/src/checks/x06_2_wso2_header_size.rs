use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("X06.2", "Heads of requests fit long tokens").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "transport.https.properties.maxHttpHeaderSize",
    shipped: "8192",
    holds: |value| value.parse().is_ok_and(|bytes: u64| (32_768..=131_072).contains(&bytes)),
    section: "transport.https.properties",
    line: "maxHttpHeaderSize = 32768",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "transport.https.properties.maxHttpHeaderSize")),
    ("8192", |p| set(p, "transport.https.properties.maxHttpHeaderSize", "8192")),
    ("10485760", |p| set(p, "transport.https.properties.maxHttpHeaderSize", "10485760")),
];
