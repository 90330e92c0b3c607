use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O01.52", "The serving process cannot gain privileges"), run);

fn run(posture: &Posture) -> Judgement {
    posture.confinement.judge(|found| {
        Judgement::expect(found.no_new_privileges, "no_new_privs is set", || {
            Fault::new(
                format!("process {} can gain privileges by running a program", found.pid),
                "start it by `portcullis serve`, which gives that up",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("can", |p| {
    p.confinement.known_mut().unwrap().no_new_privileges = false;
})];
