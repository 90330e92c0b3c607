use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("A20.9", "Health and metrics can be read"), run);

fn run(posture: &Posture) -> Judgement {
    posture.listeners.judge(|all| {
        Judgement::expect(all.iter().any(|listener| listener.name == "status"), "a status listener", || {
            Fault::new("the status listener is off", "write `enable = true` below [status]").at("[status]")
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("off", |p| p.listeners.known_mut().unwrap().retain(|l| l.name != "status"))];
