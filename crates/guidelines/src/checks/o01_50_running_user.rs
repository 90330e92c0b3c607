use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("O01.50", "The serving process is not root"), run);

fn run(posture: &Posture) -> Judgement {
    posture.confinement.judge(|found| {
        Judgement::expect(found.uid != 0, format!("uid {}", found.uid), || {
            Fault::new(
                format!("process {} runs as uid 0", found.pid),
                "set user in [process], or start it as an ordinary user",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("root", |p| {
    p.confinement.known_mut().unwrap().uid = 0;
})];
