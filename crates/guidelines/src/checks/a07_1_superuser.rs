use crate::{Check, CheckMeta, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.1", "The database role of the server is not a superuser").always(), run);

fn run(posture: &Posture) -> Judgement {
    posture.database.judge(|database| {
        let name = &database.role.name;
        Judgement::expect(!database.role.superuser, format!("role {name}"), || {
            Fault::new(format!("role {name}: is a superuser"), format!("ALTER ROLE {name} NOSUPERUSER"))
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[("granted", |p| p.database.known_mut().unwrap().role.superuser = true)];
