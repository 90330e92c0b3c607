use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(CheckMeta::must("A21.4", "The chain of the audit log is unbroken"), run);

fn run(posture: &Posture) -> Judgement {
    posture.audit_trail.judge(|trail| match &trail.broken_at {
        None => Judgement::Holds(format!("{} records", trail.records)),
        Some(record) => Judgement::Broken(vec![Fault::new(
            format!("record {record} does not follow from the one before: something was changed or removed"),
            "keep the database as evidence, find out who could write to it, and restore from a backup",
        )]),
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("first", |p| p.audit_trail.known_mut().unwrap().broken_at = Some("1".into())),
    ("later", |p| p.audit_trail.known_mut().unwrap().broken_at = Some("812".into())),
];
