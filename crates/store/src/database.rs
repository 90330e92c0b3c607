//! Opening a database and starting transactions.

mod backup;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::Secret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use crate::migration::{self, Dialect, Migration, MigrationReport, SchemaState};
use crate::plan::PlanWatch;
use crate::{StoreError, UnitOfWork};

pub use backup::RowSink;

/// How long a caller waits for a connection or a lock before it gets [`StoreError::Unavailable`].
const WAIT: Duration = Duration::from_secs(10);

/// A pool of connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    backend: Backend,
    plans: Option<Arc<PlanWatch>>,
}

#[derive(Clone)]
enum Backend {
    /// One writer, because SQLite has one write lock: waiting in the pool is fair, waiting for the lock is not.
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// How to reach PostgreSQL.
pub struct PostgresSettings {
    /// Host name, or the directory of a UNIX socket when it starts with a slash.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role.
    pub username: String,
    /// Password; absent for peer or certificate authentication.
    pub password: Option<Secret<String>>,
    /// Certificate authority (PEM file). With one, TLS with host name verification is used (`verify-full`);
    /// without one only a loopback address or a UNIX socket is accepted (guideline A06).
    pub ca_file: Option<PathBuf>,
    /// Upper bound of connections, at least 2.
    pub max_connections: u32,
    /// How long a unit of work waits for one of them.
    pub acquire_timeout: Duration,
}

impl Database {
    /// Opens the embedded database, creating the file (mode 0600 is the caller's umask or directory) when absent.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened or is not a database.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a commit that returned survives a power cut, not only a crash of the process.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // The locked-in process may not write the directories that SQLite would choose for temporary files.
            .pragma("temp_store", "MEMORY")
            .busy_timeout(WAIT)
            // The log that a large clean-up or import left behind gives its room back.
            .pragma("journal_size_limit", "67108864")
            // 16 MiB between two checkpoints: a page that several transactions change goes to the file once.
            .pragma("wal_autocheckpoint", "4096");
        // Rows that expire lie scattered: with SQLite's two megabytes, removing some throws out what the next ones need.
        let writing = options.clone().pragma("cache_size", "-16384");
        let writer = SqlitePoolOptions::new().max_connections(1).acquire_timeout(WAIT).connect_with(writing).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(WAIT)
            .connect_lazy_with(options.read_only(true));
        Ok(Self { backend: Backend::Sqlite { readers, writer }, plans: None })
    }

    /// Opens an embedded database to look at it: nothing is written, not even beside it. `idle` says that no process
    /// has it open; what a killed process left in its write-ahead log is then not seen.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn open_sqlite_read_only(path: &Path, idle: bool) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(true)
            .immutable(idle)
            .pragma("temp_store", "MEMORY")
            .busy_timeout(WAIT);
        let pool = || SqlitePoolOptions::new().max_connections(1).acquire_timeout(WAIT);
        let writer = pool().connect_with(options.clone()).await?;
        let readers = pool().connect_lazy_with(options);
        Ok(Self { backend: Backend::Sqlite { readers, writer }, plans: None })
    }

    /// Connects to PostgreSQL.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for plain text to another host (guideline A06) or wrong credentials,
    /// [`StoreError::Unavailable`] when it cannot be reached.
    pub async fn connect_postgres(settings: &PostgresSettings) -> Result<Self, StoreError> {
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&settings.host)
            .port(settings.port)
            .database(&settings.database)
            .username(&settings.username)
            .application_name("portcullis");
        if let Some(password) = &settings.password {
            options = options.password(password.expose());
        }
        options = match &settings.ca_file {
            Some(ca) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(ca),
            None if is_local(&settings.host) => options.ssl_mode(PgSslMode::Disable),
            None => {
                return Err(StoreError::Refused(format!(
                    "A06: {} is another host, so the connection needs TLS; set the certificate authority of the database",
                    settings.host
                )));
            }
        };
        // The first connection tells a start soon whether there is a database, however patient requests may be.
        let first = PgPoolOptions::new().max_connections(1).acquire_timeout(WAIT).connect_with(options.clone()).await?;
        first.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections.max(2))
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(options);
        Ok(Self { backend: Backend::Postgres(pool), plans: None })
    }

    /// A transaction that may write.
    pub async fn begin(&self) -> Result<UnitOfWork, StoreError> {
        let work = match &self.backend {
            // IMMEDIATE takes the write lock at once, so a later statement cannot fail with SQLITE_BUSY.
            Backend::Sqlite { writer, .. } => UnitOfWork::sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Backend::Postgres(pool) => UnitOfWork::postgres(pool.begin().await?),
        };
        Ok(work.watched(self.plans.as_ref()))
    }

    /// A consistent view that only reads.
    pub async fn read(&self) -> Result<UnitOfWork, StoreError> {
        let work = match &self.backend {
            Backend::Sqlite { readers, .. } => UnitOfWork::sqlite(readers.begin().await?),
            Backend::Postgres(pool) => {
                UnitOfWork::postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        };
        Ok(work.watched(self.plans.as_ref()))
    }

    /// The same database, with the plan of each statement looked at before it is run for the first time: one that would read
    /// all of a table that grows is refused. Tests run on such a database.
    #[must_use]
    pub fn refusing_scans(self) -> Self {
        Self { plans: Some(Arc::default()), ..self }
    }

    /// Whether this is PostgreSQL, whose migrations are a separate privileged step (guideline A07).
    pub const fn is_postgres(&self) -> bool {
        matches!(self.backend, Backend::Postgres(_))
    }

    /// Brings the schema up to date; on PostgreSQL grants the runtime role its rights on the tables.
    ///
    /// # Errors
    /// [`StoreError::SchemaNewer`] when the database is ahead of this program.
    pub async fn migrate(
        &self,
        migrations: &[Migration],
        runtime_role: Option<&str>,
        now: model::Timestamp,
    ) -> Result<MigrationReport, StoreError> {
        let report = migration::run(self, self.dialect(), migrations, now).await?;
        if let (Backend::Postgres(pool), Some(role)) = (&self.backend, runtime_role) {
            migration::grant(pool, role).await?;
        }
        Ok(report)
    }

    /// Compares the schema with what this program needs, changing nothing.
    pub async fn schema_state(&self, migrations: &[Migration]) -> Result<SchemaState, StoreError> {
        migration::state(self, self.dialect(), migrations).await
    }

    /// Closes all connections; the embedded database's log is folded into its file.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Backend::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) async fn run_script(
        &self,
        script: &'static str,
        version: i64,
        name: &str,
        now: model::Timestamp,
    ) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite { writer, .. } => {
                let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::raw_sql(script).execute(&mut *tx).await?;
                sqlx::query(migration::RECORD)
                    .bind(version)
                    .bind(name.to_owned())
                    .bind(now.millis())
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
            }
            Backend::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::raw_sql(script).execute(&mut *tx).await?;
                sqlx::query(migration::RECORD)
                    .bind(version)
                    .bind(name.to_owned())
                    .bind(now.millis())
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    const fn dialect(&self) -> Dialect {
        match self.backend {
            Backend::Sqlite { .. } => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }
}

/// Whether a host is this machine: plain text stays on it.
fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
