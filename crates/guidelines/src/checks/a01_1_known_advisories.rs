use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A01.1", "No part of the program has a known vulnerability"), run);

fn run(posture: &Posture) -> Judgement {
    posture.program.judge(|program| {
        let Some(advisories) = &program.advisories else {
            let needs = "a copy of https://github.com/RustSec/advisory-db as the folder advisories in the home";
            return Judgement::Unknown(Gap::new("there is no list of advisories to compare the parts with", needs));
        };
        let faults = advisories
            .iter()
            .map(|(id, part)| Fault::new(format!("{id} concerns {part}"), "install the release that fixes it"));
        Judgement::of(faults.collect(), format!("version {}", program.version))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("one advisory", |p| {
        p.program.known_mut().unwrap().advisories = Some(vec![("RUSTSEC-2026-0001".into(), "h2 0.4.0".into())]);
    }),
    ("two", |p| {
        let two = vec![("A".into(), "b".into()), ("C".into(), "d".into())];
        p.program.known_mut().unwrap().advisories = Some(two);
    }),
];
