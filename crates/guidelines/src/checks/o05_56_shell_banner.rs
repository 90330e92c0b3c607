use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O05.56", "SSH shows a banner before sign-in"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secure_shell.judge(|found| Judgement::expect(found.banner, "Banner", || Fault::new(format!("{}: no Banner", found.place), "sshd -T shows what is in effect; write the line below the first line of /etc/ssh/sshd_config and reload: Banner /etc/issue.net")))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("none", |p| {
    p.secure_shell.known_mut().unwrap().banner = false;
})];
