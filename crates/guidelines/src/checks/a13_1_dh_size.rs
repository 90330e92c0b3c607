use super::rule::ScriptRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A13.1", "Ephemeral Diffie-Hellman keys have 2048 bits").wso2(), run);

const RULE: ScriptRule = ScriptRule {
    product: None,
    property: "jdk.tls.ephemeralDHKeySize",
    shipped: "",
    holds: |value| value.parse().is_ok_and(|bits: u32| bits >= 2048),
    wanted: "2048",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| option(p, "-Djdk.tls.ephemeralDHKeySize=", "")),
    ("1024", |p| option(p, "-Djdk.tls.ephemeralDHKeySize=", "-Djdk.tls.ephemeralDHKeySize=1024")),
    ("matched", |p| option(p, "-Djdk.tls.ephemeralDHKeySize=", "-Djdk.tls.ephemeralDHKeySize=matched")),
];
