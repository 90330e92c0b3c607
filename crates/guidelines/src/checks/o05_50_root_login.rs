use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O05.50", "Root cannot sign in over SSH with a password"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secure_shell.judge(|found| Judgement::expect(!found.root_login, "PermitRootLogin", || Fault::new(format!("{}: PermitRootLogin yes", found.place), "sshd -T shows what is in effect; write the line below the first line of /etc/ssh/sshd_config and reload: PermitRootLogin no")))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("root", |p| {
    p.secure_shell.known_mut().unwrap().root_login = true;
})];
