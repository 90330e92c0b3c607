use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check = Check::new(
    CheckMeta::must("A07.8", "The database role of the server cannot reach files or programs of the database server")
        .always(),
    run,
);

fn run(posture: &Posture) -> Judgement {
    posture.database.judge(|database| {
        let name = &database.role.name;
        Judgement::expect(!database.role.server_files, format!("role {name}"), || {
            Fault::new(
                format!("role {name}: may reach files or programs of the database server"),
                format!("REVOKE pg_read_server_files, pg_write_server_files, pg_execute_server_program FROM {name}"),
            )
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("granted", |p| p.database.known_mut().unwrap().role.server_files = true)];
