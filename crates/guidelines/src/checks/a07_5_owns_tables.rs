use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.5", "The database role of the server does not own the tables").always(), run);

fn run(posture: &Posture) -> Judgement {
    posture.database.judge(|database| {
        let name = &database.role.name;
        Judgement::expect(!database.role.owns_tables, format!("role {name}"), || {
            Fault::new(
                format!("role {name}: owns the tables"),
                "let another role own them: run `portcullis db migrate` as that role",
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("granted", |p| p.database.known_mut().unwrap().role.owns_tables = true)];
