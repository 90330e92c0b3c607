use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O05.53", "SSH does not listen on its well-known port"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secure_shell.judge(|found| Judgement::expect(!found.ports.contains(&22), format!("ports {:?}", found.ports), || Fault::new(format!("{}: Port 22", found.place), "sshd -T shows what is in effect; write the line below the first line of /etc/ssh/sshd_config and reload: Port 2022")))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("22", |p| {
    p.secure_shell.known_mut().unwrap().ports = vec![22];
})];
