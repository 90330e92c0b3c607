use super::rule::SettingRule;
#[cfg(test)]
use crate::testing::{mi, set, unset};
use crate::{Check, CheckMeta, Judgement, Posture, Wso2Product};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A10.5", "Faults carry no stack traces").wso2(), run);

const RULE: SettingRule = SettingRule {
    product: Some(Wso2Product::MicroIntegrator),
    key: "transport.client.send_stacktrace_details_with_fault",
    shipped: "true",
    holds: |value| value == "false",
    section: "transport",
    line: "client.send_stacktrace_details_with_fault = false",
};

fn run(posture: &Posture) -> Judgement {
    RULE.judge(posture)
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("left out", |p| mi(p, |p| unset(p, "transport.client.send_stacktrace_details_with_fault"))),
    ("true", |p| mi(p, |p| set(p, "transport.client.send_stacktrace_details_with_fault", "true"))),
];
