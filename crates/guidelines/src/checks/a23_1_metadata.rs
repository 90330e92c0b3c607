use crate::{Check, CheckMeta, EgressRuleKind, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A23.1", "Metadata services of clouds cannot be called").always(), run);

fn run(posture: &Posture) -> Judgement {
    posture.egress.judge(|egress| {
        let faults = egress
            .rules
            .iter()
            .filter(|rule| matches!(rule.kind, EgressRuleKind::Network { link_local: true, .. }))
            .map(|rule| {
                Fault::new(
                    format!("{:?} covers addresses of metadata services", rule.text),
                    "remove it from allow in [egress]; name the hosts that are meant",
                )
                .at("egress.allow")
            });
        Judgement::of(faults.collect(), format!("{} exceptions", egress.rules.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("link-local", |p| {
        p.egress.known_mut().unwrap().rules.push(crate::EgressRule {
            text: "169.254.0.0/16".into(),
            kind: EgressRuleKind::Network { prefix: 16, v6: false, link_local: true, loopback: false },
        })
    }),
    ("everything", |p| {
        p.egress.known_mut().unwrap().rules.push(crate::EgressRule {
            text: "0.0.0.0/0".into(),
            kind: EgressRuleKind::Network { prefix: 0, v6: false, link_local: true, loopback: true },
        })
    }),
];
