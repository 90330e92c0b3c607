//! Copies of a database in use, and the way back.

use crate::backends::{NOW, each};
use store::{Arg, Database, Migration, StoreError};

const ROWS: i64 = 1203;

async fn fill(database: &Database) {
    let mut work = database.begin().await.unwrap();
    let tenant = "INSERT INTO tenant (id, domain, active, owner, created_at) VALUES ($1, $2, 1, 'o', 0)";
    work.execute(tenant, [77.into(), "back.example".into()]).await.unwrap();
    let store = "INSERT INTO user_store (tenant_id, name, type_id, description, properties, created_at) \
                 VALUES (77, $1, 't', $2, '{}', $3)";
    for number in 0..ROWS {
        // Quotes, line ends, other scripts: whatever people write comes back as it was.
        let text = format!("\"{number}\"\n\\ \u{1f511} 'x'");
        let args: [Arg; 3] = [format!("STORE{number:05}").into(), text.into(), (i64::MAX - number).into()];
        work.execute(store, args).await.unwrap();
    }
    work.save().await.unwrap();
}

/// Number of rows, and a sum over what they hold.
async fn look(database: &Database) -> (i64, i64, String) {
    let mut work = database.read().await.unwrap();
    let counted =
        "SELECT COUNT(*) AS n, COALESCE(SUM(LENGTH(description)), 0) AS l FROM user_store WHERE tenant_id = 77";
    let row = work.find(counted, []).await.unwrap().unwrap();
    let one = "SELECT description, created_at FROM user_store WHERE tenant_id = 77 AND name = 'STORE00007'";
    let found = work.find(one, []).await.unwrap();
    let text =
        found.map_or(String::new(), |r| format!("{}{}", r.text("description").unwrap(), r.int("created_at").unwrap()));
    (row.int("n").unwrap(), row.int("l").unwrap(), text)
}

#[tokio::test]
async fn what_is_copied_comes_back_as_it_was() {
    each(async |database: Database| {
        fill(&database).await;
        let before = look(&database).await;
        assert_eq!(before.0, ROWS);
        if database.is_postgres() {
            let mut tables: Vec<(String, Vec<String>)> = Vec::new();
            let mut sink = |table: &str, rows: Vec<String>| {
                match tables.last_mut() {
                    Some((last, all)) if last == table => all.extend(rows),
                    _ => tables.push((table.to_owned(), rows)),
                }
                Ok(())
            };
            database.export(&mut sink).await.unwrap();
            let at = |name: &str| tables.iter().position(|(table, _)| table == name).unwrap();
            assert!(at("tenant") < at("user_store"), "parents first");
            assert!(tables.iter().all(|(table, _)| table != "schema_migration"));
            let mut work = database.begin().await.unwrap();
            work.execute("DELETE FROM user_store", []).await.unwrap();
            work.save().await.unwrap();
            database.import(&tables).await.unwrap();
            assert_eq!(look(&database).await, before);
            // A table of another program is refused, and what is there stays.
            tables.push(("strange".to_owned(), Vec::new()));
            assert!(matches!(database.import(&tables).await, Err(StoreError::Refused(_))));
            // So is a row that does not fit.
            tables.pop();
            tables[0].1.push("{\"id\": \"no number\"}".to_owned());
            assert!(database.import(&tables).await.is_err());
            assert_eq!(look(&database).await, before);
        } else {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("copy.db");
            database.copy_to(&path).await.unwrap();
            let copy = Database::open_sqlite(&path).await.unwrap();
            assert_eq!(copy.damage().await.unwrap(), None);
            assert_eq!(look(&copy).await, before);
            copy.close().await;
            assert!(database.copy_to(&path).await.is_err(), "a copy never overwrites");
        }
    })
    .await;
}

/// Pages of noise in the middle of the file are noticed.
#[tokio::test]
async fn a_damaged_copy_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("first.db");
    let database = Database::open_sqlite(&path).await.unwrap();
    database.migrate(Migration::all(), None, NOW).await.unwrap();
    fill(&database).await;
    let copy = directory.path().join("copy.db");
    database.copy_to(&copy).await.unwrap();
    database.close().await;
    let mut bytes = std::fs::read(&copy).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 16_384].fill(0xa5);
    std::fs::write(&copy, bytes).unwrap();
    let noticed = match Database::open_sqlite(&copy).await {
        Ok(damaged) => !matches!(damaged.damage().await, Ok(None)),
        Err(_) => true,
    };
    assert!(noticed);
}
