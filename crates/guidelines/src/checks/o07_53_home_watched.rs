use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::should("O07.53", "Changes below the home of the installation are recorded"), run);

fn run(posture: &Posture) -> Judgement {
    posture.monitoring.judge(|found| {
        Judgement::expect(found.home_watched == Some(true), "an audit rule names it", || {
            Fault::new(
                "no audit rule names the home",
                "auditctl -w HOME -p wa -k portcullis, and the same line in /etc/audit/rules.d/",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("none", |p| {
        p.monitoring.known_mut().unwrap().home_watched = Some(false);
    }),
    ("unknown", |p| {
        p.monitoring.known_mut().unwrap().home_watched = None;
    }),
];
