#[cfg(test)]
use crate::testing::conn;
use crate::{Check, CheckMeta, ConnectionPurpose, Fault, Judgement, Posture};

pub(super) const CHECK: Check =
    Check::new(CheckMeta::must("A07.11", "The directory is not bound as its administrator").both(), run);

fn run(posture: &Posture) -> Judgement {
    posture.connections.each("connections", |c| {
        let wrong = c.purpose == ConnectionPurpose::UserStore && {
            let user = c.user.to_ascii_lowercase();
            ["uid=admin,ou=system", "cn=admin,", "cn=manager,", "cn=directory manager", "cn=administrator,", "cn=root,"]
                .iter()
                .any(|administrator| user.starts_with(administrator))
        };
        wrong.then(|| Fault::new(format!("{} is bound as {}", c.target, c.user), "make an account that may search below the user and group bases only, and write its name into user_store.connection_name").at(&c.place))
    })
}

#[cfg(test)]
pub(super) const BREAKS: &[super::Break] = &[
    ("apacheds", |p| conn(p, ConnectionPurpose::UserStore).user = "uid=admin,ou=system".into()),
    ("openldap", |p| conn(p, ConnectionPurpose::UserStore).user = "cn=Manager,dc=example,dc=com".into()),
];
