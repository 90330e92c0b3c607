use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A03.50", "The memory of the serving process cannot be dumped"), run);

fn run(posture: &Posture) -> Judgement {
    posture.confinement.judge(|found| {
        Judgement::expect(
            found.core_limit == Some(0) && found.dumpable != Some(true),
            "core limit 0, not dumpable",
            || {
                Fault::new(
                    format!("core limit {:?}, dumpable {:?}", found.core_limit, found.dumpable),
                    "start it by `portcullis serve`, which forbids dumps",
                )
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("limit", |p| {
        p.confinement.known_mut().unwrap().core_limit = None;
    }),
    ("dumpable", |p| {
        p.confinement.known_mut().unwrap().dumpable = Some(true);
    }),
];
