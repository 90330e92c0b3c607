//! What the database lets the server do, tried in transactions that are undone.

use guidelines::{Attempt, Observed};
use store::Database;

use crate::config::{self, Config};
use crate::failure::Outcome;
use crate::home::Home;
use crate::installation::{DatabaseRole, open_database};

/// Statements that only an owner may run. Each is undone.
const STATEMENTS: &[&str] = &[
    "CREATE TABLE portcullis_audit_probe (x BIGINT)",
    "ALTER TABLE user_account ADD COLUMN portcullis_audit_probe BIGINT",
    "DROP TABLE user_account",
    "CREATE ROLE portcullis_audit_probe",
    "INSERT INTO schema_migration (version, name, applied_at) VALUES (999999, 'x', 0)",
];

/// Tries them with the server's own role.
pub(super) async fn attempts(home: &Home, config: &Config) -> Observed<Vec<Attempt>> {
    if matches!(config.database, config::Database::Sqlite { .. }) {
        return Observed::Absent("the embedded database has no roles".to_owned());
    }
    let tried = try_statements(home, config).await;
    tried.unwrap_or_else(|failure| Observed::unknown(failure.to_string(), "a database that answers"))
}

async fn try_statements(home: &Home, config: &Config) -> Outcome<Observed<Vec<Attempt>>> {
    let Some(secrets) = crate::posture::resolver(home, config) else {
        return Ok(Observed::unknown("the vault cannot be opened", "the user of the server"));
    };
    let database: Database = open_database(home, config, &secrets, DatabaseRole::Runtime).await?;
    let mut attempts = Vec::new();
    for statement in STATEMENTS {
        let mut work = database.begin().await?;
        let ran = work.execute(statement, []).await;
        // Whatever was done is undone before anything else happens.
        let _ = work.cancel().await;
        attempts.push(Attempt {
            what: (*statement).to_owned(),
            place: "database".to_owned(),
            refused: ran.is_err(),
            observed: if ran.is_err() { "refused" } else { "done, and undone" }.to_owned(),
        });
    }
    database.close().await;
    Ok(Observed::Known(attempts))
}
