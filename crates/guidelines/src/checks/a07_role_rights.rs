use crate::{Check, CheckMeta, DatabaseFacts, Enforcement, Finding, Posture, Severity};

/// A07: the runtime role can read and write rows, and nothing else.
pub(super) struct RoleRights;

impl Check for RoleRights {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A07.1",
            title: "The database role of the server has no rights beyond reading and writing rows",
            severity: Severity::Must,
            enforcement: Enforcement::Always,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        let DatabaseFacts::Server { role, .. } = &posture.database else { return Vec::new() };
        let name = &role.name;
        let rights = [
            (role.superuser, "is a superuser", format!("ALTER ROLE {name} NOSUPERUSER")),
            (role.create_database, "may create databases", format!("ALTER ROLE {name} NOCREATEDB")),
            (role.create_role, "may create roles", format!("ALTER ROLE {name} NOCREATEROLE")),
            (
                role.create_in_schema,
                "may create objects in the schema",
                format!("REVOKE CREATE ON SCHEMA public FROM {name}, PUBLIC"),
            ),
            (
                role.owns_tables,
                "owns the tables",
                "let another role own them: run `portcullis db migrate` as that role".to_owned(),
            ),
        ];
        let held = rights.into_iter().filter(|(holds, ..)| *holds);
        held.map(|(_, what, fix)| Finding::new(self.meta(), format!("role {name} {what}"), fix)).collect()
    }
}
