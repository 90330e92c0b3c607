use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O01.54", "The serving process sees its own directories only"), run);

fn run(posture: &Posture) -> Judgement {
    posture.confinement.judge(|found| {
        Judgement::expect(found.files_restricted == Some(true), "Landlock is on", || {
            Fault::new(
                format!("Landlock does not hold process {}", found.pid),
                "run a kernel with Landlock (5.13 or newer, lsm=landlock)",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("off", |p| {
        p.confinement.known_mut().unwrap().files_restricted = Some(false);
    }),
    ("unknown", |p| {
        p.confinement.known_mut().unwrap().files_restricted = None;
    }),
];
