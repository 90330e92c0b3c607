use super::rule::ScriptRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A15.1", "Host names of backends are verified strictly").wso2(), run);

const RULE: ScriptRule = ScriptRule {
    product: None,
    property: "httpclient.hostnameVerifier",
    shipped: "",
    holds: |value| value.eq_ignore_ascii_case("strict"),
    wanted: "Strict",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| option(p, "-Dhttpclient.hostnameVerifier=", "")),
    ("AllowAll", |p| option(p, "-Dhttpclient.hostnameVerifier=", "-Dhttpclient.hostnameVerifier=AllowAll")),
    ("DefaultAndLocalhost", |p| {
        option(p, "-Dhttpclient.hostnameVerifier=", "-Dhttpclient.hostnameVerifier=DefaultAndLocalhost")
    }),
];
