use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::should("O09.51", "Every backup can be recognised as one"), run);

fn run(posture: &Posture) -> Judgement {
    posture.backups.judge(|found| {
        Judgement::expect(found.damaged.is_empty(), format!("{} backups", found.count), || {
            Fault::new(
                format!("not readable: {}", found.damaged.join(", ")),
                "delete it, and make another: portcullis backup create",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("cut", |p| {
    p.backups.known_mut().unwrap().damaged.push("x.backup".into());
})];
