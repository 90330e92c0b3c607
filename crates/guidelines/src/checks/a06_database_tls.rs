use crate::{Check, CheckMeta, DatabaseFacts, Enforcement, Finding, Posture, Severity};

/// A06: the connection to the database cannot be read on the way.
pub(super) struct DatabaseTls;

impl Check for DatabaseTls {
    fn meta(&self) -> CheckMeta {
        CheckMeta {
            id: "A06.1",
            title: "The database is reached over verified TLS, or on this machine",
            severity: Severity::Must,
            enforcement: Enforcement::Always,
        }
    }

    fn run(&self, posture: &Posture) -> Vec<Finding> {
        match &posture.database {
            DatabaseFacts::Server { host, local: false, verified_tls: false, .. } => vec![Finding::new(
                self.meta(),
                format!("the connection to {host} is not verified TLS"),
                "add ?sslmode=verify-full&sslrootcert=<file> to url in [database.apim_db]",
            )],
            _ => Vec::new(),
        }
    }
}
