//! Fresh databases for a test, one per backend.

use model::{Secret, Timestamp};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use store::{Database, Migration, PostgresSettings};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A time for tests.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Runs the test on an empty database of every backend that is there.
pub(crate) async fn each_empty<F>(test: F)
where
    F: AsyncFn(Database),
{
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(&directory.path().join("test.db")).await.unwrap();
    test(database.clone()).await;
    database.close().await;
    match postgres_url() {
        Some(url) => {
            let (database, name) = fresh_postgres(&url).await;
            test(database.clone()).await;
            database.close().await;
            drop_postgres(&url, &name).await;
        }
        None => println!("skipped on PostgreSQL: PORTCULLIS_TEST_POSTGRES_URL is not set (cargo xtask test sets it)"),
    }
}

/// Runs the test on a migrated database of every backend that is there.
pub(crate) async fn each<F>(test: F)
where
    F: AsyncFn(Database),
{
    each_empty(async |database: Database| {
        database.migrate(Migration::all(), None, NOW).await.unwrap();
        test(database.refusing_scans()).await;
    })
    .await;
}

#[expect(clippy::disallowed_methods, reason = "how the test command tells where PostgreSQL is")]
fn postgres_url() -> Option<String> {
    std::env::var("PORTCULLIS_TEST_POSTGRES_URL").ok()
}

async fn fresh_postgres(url: &str) -> (Database, String) {
    let name = format!("conformance_{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    let options = sqlx::postgres::PgConnectOptions::from_str(url).unwrap();
    let user = url.trim_start_matches("postgresql://").rsplit_once('@').map_or("", |(user, _)| user);
    let password = user.split_once(':').map(|(_, password)| password);
    let settings = PostgresSettings {
        host: options.get_host().to_owned(),
        port: options.get_port(),
        database: name.clone(),
        username: options.get_username().to_owned(),
        password: password.map(|p| Secret::new(p.to_owned())),
        ca_file: None,
        max_connections: 4,
        acquire_timeout: std::time::Duration::from_secs(10),
    };
    (Database::connect_postgres(&settings).await.unwrap(), name)
}

async fn drop_postgres(url: &str, name: &str) {
    let mut admin = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut admin).await.unwrap();
}
