use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A07.6", "The database role of the server cannot read the stream of changes").always(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.database.judge(|database| {
        let name = &database.role.name;
        Judgement::expect(!database.role.replication, format!("role {name}"), || {
            Fault::new(
                format!("role {name}: may read the stream of changes"),
                format!("ALTER ROLE {name} NOREPLICATION"),
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("granted", |p| p.database.known_mut().unwrap().role.replication = true)];
