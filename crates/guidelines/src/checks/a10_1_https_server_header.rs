use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A10.1", "The HTTPS listener does not name the product").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::ApiManager),
    key: "transport.https.properties.server",
    shipped: "WSO2 Carbon Server",
    holds: |value| !super::rule::names_product(value),
    section: "transport.https.properties",
    line: "server = \"server\"",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| unset(p, "transport.https.properties.server")),
    ("WSO2 Carbon Server", |p| set(p, "transport.https.properties.server", "WSO2 Carbon Server")),
    ("Apache Tomcat", |p| set(p, "transport.https.properties.server", "Apache Tomcat")),
];
