use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O01.53", "The system calls of the serving process are filtered"), run);

fn run(posture: &Posture) -> Judgement {
    posture.confinement.judge(|found| {
        Judgement::expect(found.system_calls_filtered, "a filter is set", || {
            Fault::new(
                format!("process {} may make every system call", found.pid),
                "run a kernel with CONFIG_SECCOMP_FILTER",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("all", |p| {
    p.confinement.known_mut().unwrap().system_calls_filtered = false;
})];
