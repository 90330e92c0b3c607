use crate::{Check, CheckMeta, EgressRuleKind, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A23.4", "An exposed installation does not let APIs call its own machine"), run);

fn run(posture: &Posture) -> Judgement {
    posture.egress.judge(|egress| {
        let faults = egress
            .rules
            .iter()
            .filter(|rule| posture.exposed() && matches!(rule.kind, EgressRuleKind::Network { loopback: true, .. }))
            .map(|rule| {
                Fault::new(
                    format!("{:?} covers this machine", rule.text),
                    "remove it; give local backends an address of their own",
                )
                .at("egress.allow")
            });
        Judgement::of(faults.collect(), format!("{} exceptions", egress.rules.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("127/8", |p| {
        p.egress.known_mut().unwrap().rules.push(crate::EgressRule {
            text: "127.0.0.0/8".into(),
            kind: EgressRuleKind::Network { prefix: 8, v6: false, link_local: false, loopback: true },
        })
    }),
    ("::1", |p| {
        p.egress.known_mut().unwrap().rules.push(crate::EgressRule {
            text: "::1/128".into(),
            kind: EgressRuleKind::Network { prefix: 128, v6: true, link_local: false, loopback: true },
        })
    }),
];
