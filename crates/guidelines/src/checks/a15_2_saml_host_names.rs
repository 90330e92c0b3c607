use super::rule::ScriptRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A15.2", "Host names are verified by the SAML client").wso2(), run);

const RULE: ScriptRule = ScriptRule {
    product: Some(Wso2Product::ApiManager),
    property: "org.opensaml.httpclient.https.disableHostnameVerification",
    shipped: "",
    holds: |value| value == "false",
    wanted: "false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| option(p, "-Dorg.opensaml.httpclient.https.disableHostnameVerification=", "")),
    ("true", |p| {
        option(
            p,
            "-Dorg.opensaml.httpclient.https.disableHostnameVerification=",
            "-Dorg.opensaml.httpclient.https.disableHostnameVerification=true",
        )
    }),
];
