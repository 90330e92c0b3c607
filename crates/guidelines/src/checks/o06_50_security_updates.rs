use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("O06.50", "No security update of the system is pending"), run);

fn run(posture: &Posture) -> Judgement {
    posture.updates.judge(|found| {
        Judgement::expect(found.security.is_empty(), "none pending", || {
            Fault::new(
                format!(
                    "{} pending: {}",
                    found.security.len(),
                    found.security.iter().take(10).cloned().collect::<Vec<_>>().join(", ")
                ),
                "apt-get update && apt-get upgrade",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("openssl", |p| {
        p.updates.known_mut().unwrap().security.push("openssl".into());
    }),
    ("kernel", |p| {
        p.updates.known_mut().unwrap().security.push("linux-image".into());
    }),
];
