use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("O05.52", "SSH takes no empty password"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secure_shell.judge(|found| Judgement::expect(!found.empty_passwords, "PermitEmptyPasswords no", || Fault::new(format!("{}: PermitEmptyPasswords yes", found.place), "sshd -T shows what is in effect; write the line below the first line of /etc/ssh/sshd_config and reload: PermitEmptyPasswords no")))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("empty", |p| {
    p.secure_shell.known_mut().unwrap().empty_passwords = true;
})];
