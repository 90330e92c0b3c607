use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O05.54", "SSH ends a connection after a few attempts"), run);

fn run(posture: &Posture) -> Judgement {
    posture.secure_shell.judge(|found| Judgement::expect(found.max_attempts <= 6 && !found.x11, format!("MaxAuthTries {}", found.max_attempts), || Fault::new(format!("{}: MaxAuthTries {}, X11Forwarding {}", found.place, found.max_attempts, found.x11), "sshd -T shows what is in effect; write the line below the first line of /etc/ssh/sshd_config and reload: MaxAuthTries 4, X11Forwarding no")))
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("tries", |p| {
        p.secure_shell.known_mut().unwrap().max_attempts = 20;
    }),
    ("x11", |p| {
        p.secure_shell.known_mut().unwrap().x11 = true;
    }),
];
