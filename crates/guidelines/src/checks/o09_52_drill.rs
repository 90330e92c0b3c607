use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O09.52", "A backup was restored as a drill in the last 90 days"), run);

fn run(posture: &Posture) -> Judgement {
    posture.backups.judge(|found| {
        Judgement::expect(found.drill.is_some_and(|(days, passed)| days <= 90 && passed), "it was", || {
            Fault::new(
                match found.drill {
                    Some((days, true)) => format!("the last drill was {days} days ago"),
                    Some((_, false)) => "the last drill failed".to_owned(),
                    None => "there was no drill yet".to_owned(),
                },
                "portcullis backup drill",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("old", |p| {
        p.backups.known_mut().unwrap().drill = Some((200, true));
    }),
    ("failed", |p| {
        p.backups.known_mut().unwrap().drill = Some((1, false));
    }),
    ("none", |p| {
        p.backups.known_mut().unwrap().drill = None;
    }),
];
