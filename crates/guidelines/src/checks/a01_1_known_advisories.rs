use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A01.1", "No part of the program has a known vulnerability"), run);

fn run(posture: &Posture) -> Judgement {
    posture.program.judge(|program| {
        let faults = program.advisories.iter().map(|(id, part)| {
            Fault::new(format!("{id} concerns {part}"), "install the release that fixes it: portcullis update check")
        });
        Judgement::of(faults.collect(), format!("version {}", program.version))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one advisory", |p| p.program.known_mut().unwrap().advisories.push(("RUSTSEC-2026-0001".into(), "h2".into()))),
    ("two", |p| p.program.known_mut().unwrap().advisories.extend([("A".into(), "b".into()), ("C".into(), "d".into())])),
];
