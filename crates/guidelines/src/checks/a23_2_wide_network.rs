#[cfg(test)]
use crate::testing::exception;
use crate::{Check, CheckMeta, EgressRule, EgressRuleKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A23.2", "Exceptions for private networks are narrow"), run);

fn run(posture: &Posture) -> Judgement {
    let is_bad = |rule: &EgressRule| match rule.kind {
        // This machine alone is another check's matter.
        EgressRuleKind::Network { prefix: 8.., loopback: true, .. } => false,
        EgressRuleKind::Network { prefix, v6, .. } => prefix < if v6 { 48 } else { 16 },
        EgressRuleKind::Host { .. } => false,
    };
    super::rule::exceptions(
        posture,
        is_bad,
        "is a very large network",
        "name the hosts or the small networks of your backends",
    )
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("10/8", |p| {
        exception(p, "10.0.0.0/8", EgressRuleKind::Network { prefix: 8, v6: false, link_local: false, loopback: false })
    }),
    ("v6", |p| {
        exception(p, "fd00::/8", EgressRuleKind::Network { prefix: 8, v6: true, link_local: false, loopback: false })
    }),
];
