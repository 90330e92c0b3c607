use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O05.51", "SSH takes keys, not passwords"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secure_shell.judge(|found| Judgement::expect(!found.passwords, "PasswordAuthentication no", || Fault::new(format!("{}: PasswordAuthentication yes", found.place), "sshd -T shows what is in effect; write the line below the first line of /etc/ssh/sshd_config and reload: PasswordAuthentication no")))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("passwords", |p| {
    p.secure_shell.known_mut().unwrap().passwords = true;
})];
