use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A07.4", "The database role of the server cannot create objects in the schema").always(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.database.judge(|database| {
        let name = &database.role.name;
        Judgement::expect(!database.role.create_in_schema, format!("role {name}"), || {
            Fault::new(
                format!("role {name}: may create objects in the schema"),
                format!("REVOKE CREATE ON SCHEMA public FROM {name}, PUBLIC"),
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("granted", |p| p.database.known_mut().unwrap().role.create_in_schema = true)];
