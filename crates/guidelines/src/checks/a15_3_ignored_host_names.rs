use super::rule::ScriptRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A15.3", "Host name verification is not ignored").wso2(), run);

const RULE: ScriptRule = ScriptRule {
    product: None,
    property: "org.wso2.ignoreHostnameVerification",
    shipped: "false",
    holds: |value| value != "true",
    wanted: "false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("true", |p| option(p, "-Dorg.wso2.ignoreHostnameVerification=", "-Dorg.wso2.ignoreHostnameVerification=true"))];
