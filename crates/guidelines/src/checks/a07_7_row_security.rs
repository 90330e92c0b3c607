use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.7", "The database role of the server is bound by row security").always(), run);

fn run(posture: &Posture) -> Judgement {
    posture.database.judge(|database| {
        let name = &database.role.name;
        Judgement::expect(!database.role.bypass_row_security, format!("role {name}"), || {
            Fault::new(format!("role {name}: is not bound by row security"), format!("ALTER ROLE {name} NOBYPASSRLS"))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] =
    &[("granted", |p| p.database.known_mut().unwrap().role.bypass_row_security = true)];
