use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("X09.3", "Passwords from known breaches are refused"), run);

fn run(posture: &Posture) -> Judgement {
    posture.accounts.judge(|accounts| {
        Judgement::expect(accounts.breach_list, "compared with known ones", || {
            Fault::new("passwords are not compared with known ones", "use a build with the list of known passwords")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("off", |p| p.accounts.known_mut().unwrap().breach_list = false)];
