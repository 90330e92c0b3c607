//! Databases that artifacts name: PostgreSQL and SQLite.
//!
//! Statements are text of artifacts, which an operator deployed; whatever comes with a message is bound to a parameter.

mod location;
mod postgres;
mod session;
mod value;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::{EgressRules, Secret};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::Mutex;

pub(crate) use location::Place;
pub(crate) use session::{Command, Open, Outcome, Part, Session};
pub(crate) use value::{Cell, Kind, cell, kind_of};

use crate::settings::{DataSource, SecretSource};

/// The integrator's own database: no artifact can write this address.
pub(crate) const OWN: &str = "the integrator's own";
/// Databases that are open at once.
const POOLS: usize = 64;
/// Connections to one database.
const CONNECTIONS: u32 = 16;
/// How long a message waits for a connection or a lock.
const WAIT: Duration = Duration::from_secs(10);
/// How long a statement may take.
pub(crate) const STATEMENT: Duration = Duration::from_secs(30);
/// Rows of one statement.
pub(crate) const ROWS: usize = 100_000;
/// Bytes of the rows of one statement.
pub(crate) const BYTES: usize = 64 << 20;

/// Why a statement gave nothing. The text is for logs; what a client sees is a code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SqlError {
    /// There is no such database, or it cannot be spoken to.
    #[error("{0}")]
    Source(String),
    /// A value does not fit its type.
    #[error("{0}")]
    Value(String),
    /// The database said no.
    #[error("{0}")]
    Database(String),
    /// A bound was reached.
    #[error("{0}")]
    Bound(String),
}

impl From<sqlx::Error> for SqlError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Self::Source("no connection to the database was free in time".to_owned())
            }
            sqlx::Error::Io(error) => Self::Source(format!("the database cannot be reached: {error}")),
            other => Self::Database(other.to_string()),
        }
    }
}

/// A database that is open.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A connection as an artifact writes it down.
pub(crate) struct Wanted<'a> {
    /// Data source of the configuration, or address.
    pub(crate) source: &'a str,
    /// Role; empty for none.
    pub(crate) user: &'a str,
    /// Password; empty for none. `$secret{alias}` names one of the vault.
    pub(crate) password: &'a str,
}

/// All databases of an integrator.
pub(crate) struct Databases {
    folder: PathBuf,
    own: PathBuf,
    configured: Vec<DataSource>,
    secrets: Arc<dyn SecretSource>,
    egress: EgressRules,
    open: Mutex<HashMap<String, Pool>>,
}

impl Databases {
    /// `folder` holds SQLite databases of artifacts, `own` is the folder of the integrator's.
    pub(crate) fn new(
        folder: PathBuf,
        own: PathBuf,
        configured: Vec<DataSource>,
        secrets: Arc<dyn SecretSource>,
        egress: EgressRules,
    ) -> Self {
        Self { folder, own, configured, secrets, egress, open: Mutex::new(HashMap::new()) }
    }

    /// The data source of this name, when the configuration has one.
    pub(crate) fn configured(&self, name: &str) -> Option<&DataSource> {
        self.configured.iter().find(|source| source.name == name)
    }

    /// Begins to work with databases: what is not committed is undone.
    pub(crate) fn session(&self) -> Session<'_> {
        Session::new(self)
    }

    /// Where a source leads.
    pub(crate) fn place(&self, source: &str) -> Result<Place, SqlError> {
        Place::parse(self.configured(source).map_or(source, |configured| configured.url.as_str()))
    }

    /// Opens a database, or finds it open.
    pub(crate) async fn pool(&self, wanted: &Wanted<'_>) -> Result<Pool, SqlError> {
        let configured = self.configured(wanted.source);
        let (url, user) = match configured {
            Some(source) => (source.url.as_str(), source.user.as_str()),
            None => (wanted.source, wanted.user),
        };
        let key = format!("{user}@{url}");
        let mut open = self.open.lock().await;
        if let Some(pool) = open.get(&key) {
            return Ok(pool.clone());
        }
        if url == OWN {
            let pool = sqlite(&self.own, "integrator.db")?;
            open.insert(key, pool.clone());
            return Ok(pool);
        }
        let place = Place::parse(url)?;
        if open.len() >= POOLS {
            return Err(SqlError::Bound(format!("more than {POOLS} databases are in use")));
        }
        let password = match configured {
            Some(source) => source.password.clone(),
            None => self.password(wanted.password)?,
        };
        let pool = match place {
            Place::Sqlite(name) => sqlite(&self.folder, &name)?,
            Place::Postgres(address) => {
                let ca = configured.and_then(|source| source.ca_file.clone());
                self.postgres(&address, user, password, ca).await?
            }
        };
        open.insert(key, pool.clone());
        Ok(pool)
    }

    fn password(&self, text: &str) -> Result<Option<Secret<String>>, SqlError> {
        let alias = text.strip_prefix("$secret{").and_then(|rest| rest.strip_suffix('}'));
        match alias {
            Some(alias) => match self.secrets.secret(alias) {
                Some(secret) => Ok(Some(secret)),
                None => Err(SqlError::Source(format!("the vault has no secret {alias}"))),
            },
            None if text.is_empty() => Ok(None),
            None => Ok(Some(Secret::new(text.to_owned()))),
        }
    }

    async fn postgres(
        &self,
        address: &location::Postgres,
        user: &str,
        password: Option<Secret<String>>,
        ca: Option<PathBuf>,
    ) -> Result<Pool, SqlError> {
        self.admit(address, ca.is_some()).await?;
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&address.host)
            .port(address.port)
            .database(&address.database)
            .application_name("portcullis integrator")
            .options([("statement_timeout", STATEMENT.as_millis().to_string()), ("timezone", "UTC".to_owned())]);
        if !user.is_empty() {
            options = options.username(user);
        }
        if let Some(password) = &password {
            options = options.password(password.expose());
        }
        options = match &ca {
            Some(ca) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(ca),
            None => options.ssl_mode(PgSslMode::Disable),
        };
        Ok(Pool::Postgres(
            PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT).connect_lazy_with(options),
        ))
    }

    /// Plain text stays on this machine (guideline A06), and addresses obey the egress rules (guideline A23).
    async fn admit(&self, address: &location::Postgres, verified: bool) -> Result<(), SqlError> {
        let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
        let found: Vec<_> = found.map_err(|error| SqlError::Source(format!("{}: {error}", address.host)))?.collect();
        let local = !found.is_empty() && found.iter().all(|at| at.ip().to_canonical().is_loopback());
        if !local && !verified {
            return Err(SqlError::Source(format!(
                "A06: {} is another host, so the connection needs TLS; add a data source with this address and ca_file to the configuration",
                address.host
            )));
        }
        // A database of this machine is named by whoever deploys; others have to be allowed like any backend.
        if !local && !found.iter().all(|at| self.egress.allows(*at)) {
            return Err(SqlError::Source(format!("A23: the egress rules do not allow {}", address.host)));
        }
        Ok(())
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        let pools: Vec<Pool> = self.open.lock().await.drain().map(|(_, pool)| pool).collect();
        for pool in pools {
            match pool {
                Pool::Sqlite(pool) => pool.close().await,
                Pool::Postgres(pool) => pool.close().await,
            }
        }
    }
}

/// Opens a file of a folder; both are made when they are missing.
fn sqlite(folder: &Path, name: &str) -> Result<Pool, SqlError> {
    let failed = |error: std::io::Error| SqlError::Source(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let options = SqliteConnectOptions::new()
        .filename(folder.join(name))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit that returned survives a power cut, not only a crash of the process.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("temp_store", "MEMORY")
        // A statement of an artifact must not rewrite the schema's own tables.
        .pragma("trusted_schema", "OFF")
        .busy_timeout(WAIT);
    Ok(Pool::Sqlite(SqlitePoolOptions::new().max_connections(4).acquire_timeout(WAIT).connect_lazy_with(options)))
}
