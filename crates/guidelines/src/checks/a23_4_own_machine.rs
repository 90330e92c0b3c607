#[cfg(test)]
use crate::testing::exception;
use crate::{Check, CheckMeta, EgressRule, EgressRuleKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A23.4", "An exposed installation does not let APIs call its own machine"), run);

fn run(posture: &Posture) -> Judgement {
    let is_bad =
        |rule: &EgressRule| posture.exposed() && matches!(rule.kind, EgressRuleKind::Network { loopback: true, .. });
    super::rule::exceptions(
        posture,
        is_bad,
        "covers this machine",
        "remove it; give local backends an address of their own",
    )
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("127/8", |p| {
        exception(p, "127.0.0.0/8", EgressRuleKind::Network { prefix: 8, v6: false, link_local: false, loopback: true })
    }),
    ("::1", |p| {
        exception(p, "::1/128", EgressRuleKind::Network { prefix: 128, v6: true, link_local: false, loopback: true })
    }),
];
