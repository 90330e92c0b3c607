use crate::{Check, CheckMeta, EgressRuleKind, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A23.3", "Exceptions do not stand for many host names"), run);

fn run(posture: &Posture) -> Judgement {
    posture.egress.judge(|egress| {
        let faults =
            egress.rules.iter().filter(|rule| matches!(rule.kind, EgressRuleKind::Host { wildcard: true })).map(
                |rule| {
                    Fault::new(format!("{:?} stands for many hosts", rule.text), "name each host").at("egress.allow")
                },
            );
        Judgement::of(faults.collect(), format!("{} exceptions", egress.rules.len()))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("wildcard", |p| {
    p.egress
        .known_mut()
        .unwrap()
        .rules
        .push(crate::EgressRule { text: "*.internal".into(), kind: EgressRuleKind::Host { wildcard: true } })
})];
