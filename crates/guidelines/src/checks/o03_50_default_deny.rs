use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("O03.50", "The firewall drops what no rule allows"), run);

fn run(posture: &Posture) -> Judgement {
    posture.firewall.judge(|found| {
        Judgement::expect(found.default_deny, format!("{} drops by default", found.kind), || {
            Fault::new(format!("{} accepts what no rule forbids", found.kind), "portcullis harden nftables")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("accepts", |p| {
    p.firewall.known_mut().unwrap().default_deny = false;
})];
