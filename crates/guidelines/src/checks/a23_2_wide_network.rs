use crate::{Check, CheckMeta, EgressRuleKind, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A23.2", "Exceptions for private networks are narrow"), run);

fn run(posture: &Posture) -> Judgement {
    posture.egress.judge(|egress| {
        let faults = egress
            .rules
            .iter()
            .filter(|rule| match rule.kind {
                // This machine alone is another check's matter.
                EgressRuleKind::Network { prefix: 8.., loopback: true, .. } => false,
                EgressRuleKind::Network { prefix, v6, .. } => prefix < if v6 { 48 } else { 16 },
                EgressRuleKind::Host { .. } => false,
            })
            .map(|rule| {
                Fault::new(
                    format!("{:?} is a very large network", rule.text),
                    "name the hosts or the small networks of your backends",
                )
                .at("egress.allow")
            });
        Judgement::of(faults.collect(), format!("{} exceptions", egress.rules.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("10/8", |p| {
        p.egress.known_mut().unwrap().rules.push(crate::EgressRule {
            text: "10.0.0.0/8".into(),
            kind: EgressRuleKind::Network { prefix: 8, v6: false, link_local: false, loopback: false },
        })
    }),
    ("v6", |p| {
        p.egress.known_mut().unwrap().rules.push(crate::EgressRule {
            text: "fd00::/8".into(),
            kind: EgressRuleKind::Network { prefix: 8, v6: true, link_local: false, loopback: false },
        })
    }),
];
