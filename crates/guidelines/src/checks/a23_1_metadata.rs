#[cfg(test)]
use crate::testing::exception;
use crate::{Check, CheckMeta, EgressRule, EgressRuleKind, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A23.1", "Metadata services of clouds cannot be called").always(), run);

fn run(posture: &Posture) -> Judgement {
    let is_bad = |rule: &EgressRule| matches!(rule.kind, EgressRuleKind::Network { link_local: true, .. });
    super::rule::exceptions(
        posture,
        is_bad,
        "covers addresses of metadata services",
        "remove it from allow in [egress]; name the hosts that are meant",
    )
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("link-local", |p| {
        exception(
            p,
            "169.254.0.0/16",
            EgressRuleKind::Network { prefix: 16, v6: false, link_local: true, loopback: false },
        )
    }),
    ("everything", |p| {
        exception(p, "0.0.0.0/0", EgressRuleKind::Network { prefix: 0, v6: false, link_local: true, loopback: true })
    }),
];
