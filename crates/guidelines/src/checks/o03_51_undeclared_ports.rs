use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("O03.51", "The firewall opens declared ports only"), run);

fn run(posture: &Posture) -> Judgement {
    posture.firewall.judge(|found| {
        if !found.default_deny {
            return Judgement::NotApplicable("no rule closes anything, see O03.50".to_owned());
        }
        Judgement::expect(found.undeclared.is_empty(), format!("{} opens nothing else", found.kind), || {
            Fault::new(format!("{} opens {:?}", found.kind, found.undeclared), "portcullis harden nftables")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("telnet", |p| {
    p.firewall.known_mut().unwrap().undeclared = vec![23];
})];
