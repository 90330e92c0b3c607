use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A01.6", "The list of advisories is not older than two weeks"), run);

fn run(posture: &Posture) -> Judgement {
    posture.program.judge(|program| match program.advisories_age_days {
        None => {
            let needs =
                "portcullis update check, or a copy of the RustSec database as the folder advisories in the home";
            Judgement::Unknown(Gap::new("there is no list of advisories", needs))
        }
        Some(days) => Judgement::expect(days <= 14, format!("{days} days old"), || {
            Fault::new(format!("the list is {days} days old"), "portcullis update check, every day")
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("15", |p| p.program.known_mut().unwrap().advisories_age_days = Some(15)),
    ("a year", |p| p.program.known_mut().unwrap().advisories_age_days = Some(365)),
];
