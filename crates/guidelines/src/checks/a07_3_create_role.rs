use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.3", "The database role of the server cannot create roles").always(), run);

fn run(posture: &Posture) -> Judgement {
    posture.database.judge(|database| {
        let name = &database.role.name;
        Judgement::expect(!database.role.create_role, format!("role {name}"), || {
            Fault::new(format!("role {name}: may create roles"), format!("ALTER ROLE {name} NOCREATEROLE"))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("granted", |p| p.database.known_mut().unwrap().role.create_role = true)];
