use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("O05.55", "SSH offers no broken algorithm"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secure_shell.judge(|found| {
        Judgement::expect(found.weak_algorithms.is_empty(), "none", || {
            Fault::new(
                format!("{} offers {}", found.place, found.weak_algorithms.join(", ")),
                "take them out of Ciphers, MACs and KexAlgorithms in /etc/ssh/sshd_config",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("cbc", |p| {
    p.secure_shell.known_mut().unwrap().weak_algorithms.push("3des-cbc".into());
})];
