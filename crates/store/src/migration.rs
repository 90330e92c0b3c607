//! Numbered, one-way changes of the schema.

use sqlx::{AssertSqlSafe, PgPool};

use crate::{Database, StoreError};

pub(crate) const RECORD: &str = "INSERT INTO schema_migration (version, name, applied_at) VALUES ($1, $2, $3)";

/// One change of the schema. Numbers count from 1 without gaps; a released one is never edited.
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// What it is for, as in `identity`.
    pub name: &'static str,
    /// The statements for the embedded database.
    pub sqlite: &'static str,
    /// The statements for PostgreSQL.
    pub postgres: &'static str,
}

/// All migrations of the product, in order.
pub(crate) const ALL: &[Migration] = &[
    Migration {
        version: 1,
        name: "identity",
        sqlite: include_str!("../migrations/sqlite/0001_identity.sql"),
        postgres: include_str!("../migrations/postgres/0001_identity.sql"),
    },
    Migration {
        version: 2,
        name: "api_management",
        sqlite: include_str!("../migrations/sqlite/0002_api_management.sql"),
        postgres: include_str!("../migrations/postgres/0002_api_management.sql"),
    },
    Migration {
        version: 3,
        name: "oauth",
        sqlite: include_str!("../migrations/sqlite/0003_oauth.sql"),
        postgres: include_str!("../migrations/postgres/0003_oauth.sql"),
    },
    Migration {
        version: 4,
        name: "sign_in",
        sqlite: include_str!("../migrations/sqlite/0004_sign_in.sql"),
        postgres: include_str!("../migrations/postgres/0004_sign_in.sql"),
    },
    Migration {
        version: 5,
        name: "directories",
        sqlite: include_str!("../migrations/sqlite/0005_directories.sql"),
        postgres: include_str!("../migrations/postgres/0005_directories.sql"),
    },
    Migration {
        version: 6,
        name: "usage",
        sqlite: include_str!("../migrations/sqlite/0006_usage.sql"),
        postgres: include_str!("../migrations/postgres/0006_usage.sql"),
    },
    Migration {
        version: 7,
        name: "document_words",
        sqlite: include_str!("../migrations/sqlite/0007_document_words.sql"),
        postgres: include_str!("../migrations/postgres/0007_document_words.sql"),
    },
    Migration {
        version: 8,
        name: "derived_tokens",
        sqlite: include_str!("../migrations/sqlite/0008_derived_tokens.sql"),
        postgres: include_str!("../migrations/postgres/0008_derived_tokens.sql"),
    },
    Migration {
        version: 9,
        name: "governance",
        sqlite: include_str!("../migrations/sqlite/0009_governance.sql"),
        postgres: include_str!("../migrations/postgres/0009_governance.sql"),
    },
    Migration {
        version: 10,
        name: "federation",
        sqlite: include_str!("../migrations/sqlite/0010_federation.sql"),
        postgres: include_str!("../migrations/postgres/0010_federation.sql"),
    },
    Migration {
        version: 11,
        name: "workflow",
        sqlite: include_str!("../migrations/sqlite/0011_workflow.sql"),
        postgres: include_str!("../migrations/postgres/0011_workflow.sql"),
    },
    Migration {
        version: 12,
        name: "api_index",
        sqlite: include_str!("../migrations/sqlite/0012_api_index.sql"),
        postgres: include_str!("../migrations/postgres/0012_api_index.sql"),
    },
    Migration {
        version: 13,
        name: "audit_checkpoint",
        sqlite: include_str!("../migrations/sqlite/0013_audit_checkpoint.sql"),
        postgres: include_str!("../migrations/postgres/0013_audit_checkpoint.sql"),
    },
];

impl Migration {
    /// All migrations of the product, in order.
    pub const fn all() -> &'static [Self] {
        ALL
    }
}

/// Where a database stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// Nothing there.
    Empty,
    /// As this program needs it.
    Current,
    /// Behind: migrations are pending.
    Older {
        /// Version found.
        found: i64,
        /// Version needed.
        needed: i64,
    },
    /// Ahead: written by a newer program.
    Newer {
        /// Version found.
        found: i64,
        /// Version known.
        needed: i64,
    },
}

impl SchemaState {
    /// An error unless the schema is current.
    pub const fn require_current(self, needed: i64) -> Result<(), StoreError> {
        match self {
            Self::Current => Ok(()),
            Self::Empty => Err(StoreError::SchemaOlder { found: 0, needed }),
            Self::Older { found, needed } => Err(StoreError::SchemaOlder { found, needed }),
            Self::Newer { found, needed } => Err(StoreError::SchemaNewer { found, needed }),
        }
    }
}

/// What a migration run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// Names of the migrations applied now, in order.
    pub applied: Vec<&'static str>,
    /// The version afterwards.
    pub version: i64,
}

#[derive(Clone, Copy)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

pub(crate) async fn state(
    database: &Database,
    dialect: Dialect,
    migrations: &[Migration],
) -> Result<SchemaState, StoreError> {
    let needed = migrations.last().map_or(0, |m| m.version);
    let Some(found) = found_version(database, dialect).await? else { return Ok(SchemaState::Empty) };
    Ok(match found.cmp(&needed) {
        std::cmp::Ordering::Equal => SchemaState::Current,
        std::cmp::Ordering::Less => SchemaState::Older { found, needed },
        std::cmp::Ordering::Greater => SchemaState::Newer { found, needed },
    })
}

pub(crate) async fn run(
    database: &Database,
    dialect: Dialect,
    migrations: &[Migration],
    now: model::Timestamp,
) -> Result<MigrationReport, StoreError> {
    let found = match state(database, dialect, migrations).await? {
        SchemaState::Newer { found, needed } => return Err(StoreError::SchemaNewer { found, needed }),
        SchemaState::Empty => {
            create_table(database).await?;
            0
        }
        SchemaState::Older { found, .. } => found,
        SchemaState::Current => migrations.last().map_or(0, |m| m.version),
    };
    let mut report = MigrationReport { applied: Vec::new(), version: found };
    for migration in migrations.iter().filter(|m| m.version > found) {
        let script = match dialect {
            Dialect::Sqlite => migration.sqlite,
            Dialect::Postgres => migration.postgres,
        };
        database.run_script(script, migration.version, migration.name, now).await?;
        report.applied.push(migration.name);
        report.version = migration.version;
    }
    Ok(report)
}

async fn create_table(database: &Database) -> Result<(), StoreError> {
    let mut work = database.begin().await?;
    work.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration \
         (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)",
        [],
    )
    .await?;
    work.save().await
}

async fn found_version(database: &Database, dialect: Dialect) -> Result<Option<i64>, StoreError> {
    let mut work = database.begin().await?;
    let exists = match dialect {
        Dialect::Sqlite => {
            work.find("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'", []).await?
        }
        Dialect::Postgres => {
            work.find(
                "SELECT tablename::text AS name FROM pg_tables \
                 WHERE tablename = 'schema_migration' AND schemaname = current_schema()",
                [],
            )
            .await?
        }
    };
    let version = match exists {
        None => None,
        Some(_) => {
            let row = work.find("SELECT COALESCE(MAX(version), 0) AS version FROM schema_migration", []).await?;
            Some(row.map_or(Ok(0), |row| row.int("version"))?)
        }
    };
    work.cancel().await?;
    Ok(version)
}

/// Lets the runtime role read and write rows, and nothing else (guideline A07).
pub(crate) async fn grant(pool: &PgPool, role: &str) -> Result<(), StoreError> {
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    for statement in [
        format!("GRANT USAGE ON SCHEMA public TO {quoted}"),
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}"),
        format!("REVOKE INSERT, UPDATE, DELETE ON schema_migration FROM {quoted}"),
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
    ] {
        // The only built statement: a role name cannot be an argument, so it is quoted as an identifier.
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(pool).await?;
    }
    Ok(())
}
