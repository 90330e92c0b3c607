//! Units of work: kept, cancelled, conflicting, injected, concurrent.

use crate::backends::each_empty;
use store::{Arg, Database, StoreError};

async fn scratch(database: &Database) {
    let mut work = database.begin().await.unwrap();
    work.execute("CREATE TABLE scratch (id TEXT PRIMARY KEY, amount BIGINT, note TEXT)", []).await.unwrap();
    work.save().await.unwrap();
}

async fn count(database: &Database) -> i64 {
    let mut work = database.read().await.unwrap();
    work.find("SELECT COUNT(*) AS n FROM scratch", []).await.unwrap().unwrap().int("n").unwrap()
}

#[tokio::test]
async fn only_saved_work_is_kept() {
    each_empty(async |database: Database| {
        scratch(&database).await;
        let insert = "INSERT INTO scratch (id, amount, note) VALUES ($1, $2, $3)";
        let mut kept = database.begin().await.unwrap();
        kept.execute(insert, ["a".into(), 1.into(), Arg::Text(None)]).await.unwrap();
        kept.save().await.unwrap();
        let mut cancelled = database.begin().await.unwrap();
        cancelled.execute(insert, ["b".into(), 2.into(), Arg::Text(None)]).await.unwrap();
        cancelled.cancel().await.unwrap();
        let mut dropped = database.begin().await.unwrap();
        dropped.execute(insert, ["c".into(), 3.into(), Arg::Text(None)]).await.unwrap();
        drop(dropped);
        assert_eq!(count(&database).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_second_row_with_the_same_key_is_a_conflict() {
    each_empty(async |database: Database| {
        scratch(&database).await;
        let insert = "INSERT INTO scratch (id, amount, note) VALUES ($1, $2, $3)";
        let mut work = database.begin().await.unwrap();
        work.execute(insert, ["a".into(), 1.into(), "x".into()]).await.unwrap();
        let second = work.execute(insert, ["a".into(), 2.into(), "y".into()]).await;
        assert!(matches!(second, Err(StoreError::Conflict(_))), "{second:?}");
    })
    .await;
}

#[tokio::test]
async fn arguments_are_never_read_as_sql() {
    each_empty(async |database: Database| {
        scratch(&database).await;
        let hostile = "'; DROP TABLE scratch; --";
        let mut work = database.begin().await.unwrap();
        work.execute(
            "INSERT INTO scratch (id, amount, note) VALUES ($1, $2, $3)",
            ["a".into(), 1.into(), hostile.into()],
        )
        .await
        .unwrap();
        work.save().await.unwrap();
        let mut work = database.read().await.unwrap();
        let row = work.find("SELECT note FROM scratch WHERE note = $1", [hostile.into()]).await.unwrap().unwrap();
        assert_eq!(row.text("note").unwrap(), hostile);
    })
    .await;
}

#[tokio::test]
async fn a_null_where_none_may_be_names_its_column() {
    each_empty(async |database: Database| {
        scratch(&database).await;
        let mut work = database.begin().await.unwrap();
        work.execute(
            "INSERT INTO scratch (id, amount, note) VALUES ($1, $2, $3)",
            ["a".into(), Arg::Int(None), Arg::Text(None)],
        )
        .await
        .unwrap();
        let row = work.find("SELECT amount, note FROM scratch", []).await.unwrap().unwrap();
        assert_eq!(row.opt_int("amount").unwrap(), None);
        match row.text("note") {
            Err(StoreError::Inconsistent { column, .. }) => assert_eq!(column, "note"),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn twenty_writers_lose_nothing() {
    each_empty(async |database: Database| {
        scratch(&database).await;
        let tasks: Vec<_> = (0..20)
            .map(|n: i64| {
                let database = database.clone();
                tokio::spawn(async move {
                    let mut work = database.begin().await.unwrap();
                    work.execute(
                        "INSERT INTO scratch (id, amount, note) VALUES ($1, $2, $3)",
                        [format!("row {n}").into(), n.into(), Arg::Text(None)],
                    )
                    .await
                    .unwrap();
                    work.save().await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(count(&database).await, 20);
    })
    .await;
}
