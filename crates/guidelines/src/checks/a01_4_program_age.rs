use crate::{Check, CheckMeta, Fault, Gap, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("A01.4", "The program was built in the last half year"), run);

fn run(posture: &Posture) -> Judgement {
    posture.program.judge(|program| match program.age_days {
        None => Judgement::Unknown(Gap::new("the program does not know when it was built", "a released binary")),
        Some(days) => Judgement::expect(days <= 183, format!("built {days} days ago"), || {
            Fault::new(format!("built {days} days ago"), "look for a newer release")
        }),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("184", |p| p.program.known_mut().unwrap().age_days = Some(184)),
    ("3 years", |p| p.program.known_mut().unwrap().age_days = Some(1100)),
];
