use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("X09.1", "Accounts are locked after failed sign-ins"), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        Judgement::expect(
            accounts.lock_after.is_some_and(|tries| tries <= 20),
            format!("{:?} tries", accounts.lock_after),
            || Fault::new(format!("{:?} tries before an account is locked", accounts.lock_after), "allow at most 20"),
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("never", |p| p.accounts.known_mut().unwrap().lock_after = None),
    ("1000", |p| p.accounts.known_mut().unwrap().lock_after = Some(1000)),
];
