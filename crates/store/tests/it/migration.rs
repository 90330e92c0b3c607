//! Migrations: from nothing, from behind, from ahead, and broken half-way.

use crate::backends::{NOW, each_empty};
use store::{Database, Migration, SchemaState, StoreError};

const FIRST: Migration = Migration {
    version: 1,
    name: "first",
    sqlite: "CREATE TABLE a (x TEXT PRIMARY KEY);",
    postgres: "CREATE TABLE a (x TEXT PRIMARY KEY);",
};
const SECOND: Migration = Migration {
    version: 2,
    name: "second",
    sqlite: "CREATE TABLE b (x TEXT); INSERT INTO b VALUES ('kept');",
    postgres: "CREATE TABLE b (x TEXT); INSERT INTO b VALUES ('kept');",
};
const BROKEN: Migration = Migration {
    version: 2,
    name: "broken",
    sqlite: "CREATE TABLE c (x TEXT); CREATE TABLE a (x TEXT);",
    postgres: "CREATE TABLE c (x TEXT); CREATE TABLE a (x TEXT);",
};

#[tokio::test]
async fn the_products_migrations_apply_and_repeat() {
    each_empty(async |database: Database| {
        assert_eq!(database.schema_state(Migration::all()).await.unwrap(), SchemaState::Empty);
        let report = database.migrate(Migration::all(), None, NOW).await.unwrap();
        assert_eq!(report.applied.len(), Migration::all().len());
        let again = database.migrate(Migration::all(), None, NOW).await.unwrap();
        assert!(again.applied.is_empty());
        assert_eq!(database.schema_state(Migration::all()).await.unwrap(), SchemaState::Current);
    })
    .await;
}

#[tokio::test]
async fn migrations_are_numbered_without_gaps() {
    for (index, migration) in Migration::all().iter().enumerate() {
        assert_eq!(migration.version, i64::try_from(index).unwrap() + 1, "{}", migration.name);
    }
}

#[tokio::test]
async fn an_older_schema_is_brought_up_to_date() {
    each_empty(async |database: Database| {
        database.migrate(&[FIRST], None, NOW).await.unwrap();
        let both = [FIRST, SECOND];
        assert_eq!(database.schema_state(&both).await.unwrap(), SchemaState::Older { found: 1, needed: 2 });
        let report = database.migrate(&both, None, NOW).await.unwrap();
        assert_eq!((report.applied, report.version), (vec!["second"], 2));
    })
    .await;
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    each_empty(async |database: Database| {
        database.migrate(&[FIRST, SECOND], None, NOW).await.unwrap();
        let state = database.schema_state(&[FIRST]).await.unwrap();
        assert_eq!(state, SchemaState::Newer { found: 2, needed: 1 });
        assert!(matches!(state.require_current(1), Err(StoreError::SchemaNewer { found: 2, needed: 1 })));
        assert!(matches!(
            database.migrate(&[FIRST], None, NOW).await,
            Err(StoreError::SchemaNewer { found: 2, needed: 1 })
        ));
    })
    .await;
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_behind() {
    each_empty(async |database: Database| {
        database.migrate(&[FIRST], None, NOW).await.unwrap();
        assert!(database.migrate(&[FIRST, BROKEN], None, NOW).await.is_err());
        assert_eq!(database.schema_state(&[FIRST]).await.unwrap(), SchemaState::Current);
        let mut work = database.begin().await.unwrap();
        assert!(work.query("SELECT x FROM c", []).await.is_err(), "table c of the failed migration exists");
    })
    .await;
}
