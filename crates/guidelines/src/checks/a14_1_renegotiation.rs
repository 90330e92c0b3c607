use super::rule::ScriptRule;
#[cfg(test)]
use crate::testing::option;
use crate::{Check, CheckMeta, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A14.1", "Clients cannot renegotiate").wso2(), run);

const RULE: ScriptRule = ScriptRule {
    product: None,
    property: "jdk.tls.rejectClientInitiatedRenegotiation",
    shipped: "",
    holds: |value| value == "true",
    wanted: "true",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| option(p, "-Djdk.tls.rejectClientInitiatedRenegotiation=", "")),
    ("false", |p| {
        option(p, "-Djdk.tls.rejectClientInitiatedRenegotiation=", "-Djdk.tls.rejectClientInitiatedRenegotiation=false")
    }),
];
