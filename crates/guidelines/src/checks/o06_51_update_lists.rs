use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O06.51", "The lists of updates are fresh"), run);

fn run(posture: &Posture) -> Judgement {
    posture.updates.judge(|found| {
        Judgement::expect(
            found.lists_age.is_some_and(|days| days <= 7),
            format!("{:?} days old", found.lists_age),
            || {
                Fault::new(
                    match found.lists_age {
                        Some(days) => format!("the lists are {days} days old"),
                        None => "there are no lists".to_owned(),
                    },
                    "apt-get update",
                )
            },
        )
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("old", |p| {
        p.updates.known_mut().unwrap().lists_age = Some(40);
    }),
    ("none", |p| {
        p.updates.known_mut().unwrap().lists_age = None;
    }),
];
