use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A10.2", "The HTTP listener does not name the product").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "transport.http.properties.server",
    shipped: "WSO2 Carbon Server",
    holds: |value| !super::rule::names_product(value),
    section: "transport.http.properties",
    line: "server = \"server\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "transport.http.properties.server")),
    ("WSO2 Carbon Server", |p| set(p, "transport.http.properties.server", "WSO2 Carbon Server")),
];
