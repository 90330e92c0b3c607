//! What can go wrong in a store, and whose fault it is.

use thiserror::Error;

/// A failed store operation.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database cannot be reached or does not answer in time.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database refused the credentials or the role lacks a right.
    #[error("the database refused access: {0}")]
    Refused(String),
    /// A row with the same unique value exists.
    #[error("a row with the same {0} exists already")]
    Conflict(String),
    /// The disk or tablespace is full. Nothing of the transaction was kept.
    #[error("the disk that holds the database is full")]
    DiskFull,
    /// The schema is older than this program: `portcullis db migrate` brings it up to date.
    #[error("the database schema is at version {found}, this program needs {needed}: run `portcullis db migrate`")]
    SchemaOlder {
        /// Version found.
        found: i64,
        /// Version needed.
        needed: i64,
    },
    /// The schema is newer than this program: an older program must not write to it.
    #[error("the database schema is at version {found}, this program knows {needed}: start the newer program")]
    SchemaNewer {
        /// Version found.
        found: i64,
        /// Version known.
        needed: i64,
    },
    /// A stored value is not what the program wrote.
    #[error("the database holds an impossible value in column {column}: {reason}")]
    Inconsistent {
        /// The column.
        column: String,
        /// Why it is impossible.
        reason: String,
    },
    /// Anything else the driver reports.
    #[error("the database reports: {0}")]
    Database(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(inner) => from_database(inner.as_ref()),
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => Self::DiskFull,
            sqlx::Error::Io(io) => Self::Unavailable(io.to_string()),
            sqlx::Error::Tls(tls) => Self::Unavailable(format!("TLS: {tls}")),
            sqlx::Error::PoolTimedOut => Self::Unavailable("no connection became free in time".into()),
            sqlx::Error::PoolClosed => Self::Unavailable("the connection pool is closed".into()),
            sqlx::Error::ColumnDecode { index, source } => {
                Self::Inconsistent { column: index, reason: source.to_string() }
            }
            other => Self::Database(other.to_string()),
        }
    }
}

fn from_database(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    if error.is_unique_violation() {
        let constraint = error.constraint().map_or_else(|| error.message().to_owned(), str::to_owned);
        return StoreError::Conflict(constraint);
    }
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        // SQLite: SQLITE_FULL, and SQLITE_IOERR_SHMSIZE, the same for the index of its log; PostgreSQL: disk_full.
        "13" | "4874" | "53100" => StoreError::DiskFull,
        // PostgreSQL: invalid authorisation, invalid password, insufficient privilege.
        "28000" | "28P01" | "42501" => StoreError::Refused(error.message().to_owned()),
        // PostgreSQL: connection failures, shutdown, too many connections; SQLite: SQLITE_BUSY, SQLITE_CANTOPEN.
        "57P01" | "57P02" | "57P03" | "53300" | "5" | "14" => StoreError::Unavailable(error.message().to_owned()),
        _ => StoreError::Database(format!("{} ({code})", error.message())),
    }
}
