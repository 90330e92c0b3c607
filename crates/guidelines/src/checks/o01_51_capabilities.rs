use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O01.51", "The serving process has no capability but the one for low ports"), run);

fn run(posture: &Posture) -> Judgement {
    posture.confinement.judge(|found| {
        Judgement::expect(found.capabilities.iter().all(|c| c == "CAP_NET_BIND_SERVICE"), "none to speak of", || {
            Fault::new(
                format!("process {} has {}", found.pid, found.capabilities.join(", ")),
                "start it by `portcullis serve`, which gives them up",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("admin", |p| {
        p.confinement.known_mut().unwrap().capabilities.push("CAP_SYS_ADMIN".into());
    }),
    ("override", |p| {
        p.confinement.known_mut().unwrap().capabilities = vec!["CAP_DAC_OVERRIDE".into()];
    }),
];
