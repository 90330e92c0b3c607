#[cfg(test)]
use crate::testing::{conn, wso2};
use crate::{Check, CheckMeta, ConnectionPurpose, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.9", "No connection uses the administrator of the database").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.connections.each("connections", |c| {
        let wrong = c.purpose == ConnectionPurpose::Database
            && ["root", "sa", "postgres", "admin", "administrator", "system", "sys", "mysql", "oracle", "dba"]
                .contains(&c.user.to_ascii_lowercase().as_str());
        wrong.then(|| {
            Fault::new(
                format!("{} is called as {}", c.target, c.user),
                format!(
                    "make a role that reads and writes rows only, and write its name into {}",
                    c.key.replace("url", "username")
                ),
            )
            .at(&c.place)
        })
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("root", |p| conn(p, ConnectionPurpose::Database).user = "root".into()),
    ("sa", |p| conn(p, ConnectionPurpose::Database).user = "SA".into()),
    ("postgres", |p| wso2(p, |p| conn(p, ConnectionPurpose::Database).user = "postgres".into())),
];
