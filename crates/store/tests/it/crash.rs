//! `kill -9` in the middle of writes: what was acknowledged is there afterwards.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use store::Database;

const CHILD: &str = "PORTCULLIS_STORE_CRASH_CHILD";

/// Runs only as the child of the test below: writes rows one by one and reports each after its commit.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how the parent tells the child what to do")]
async fn crash_child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let database = Database::open_sqlite(path.as_ref()).await.unwrap();
    for n in 0_i64.. {
        let mut work = database.begin().await.unwrap();
        work.execute("INSERT INTO written (n) VALUES ($1)", [n.into()]).await.unwrap();
        work.save().await.unwrap();
        println!("\nwritten {n}");
    }
}

#[tokio::test]
async fn kill_9_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("crash.db");
    let database = Database::open_sqlite(&path).await.unwrap();
    let mut work = database.begin().await.unwrap();
    work.execute("CREATE TABLE written (n BIGINT PRIMARY KEY)", []).await.unwrap();
    work.save().await.unwrap();
    database.close().await;

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::crash_child", "--exact", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = -1;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap_or_default();
        let Some(n) = line.strip_prefix("written ") else { continue };
        acknowledged = n.parse::<i64>().unwrap();
        if acknowledged >= 50 {
            // SIGKILL on Unix.
            child.kill().unwrap();
            break;
        }
    }
    child.wait().unwrap();
    assert!(acknowledged >= 50, "the child ended on its own after {acknowledged}");

    let database = Database::open_sqlite(&path).await.unwrap();
    let mut work = database.read().await.unwrap();
    let found = work.find("SELECT COUNT(*) AS n FROM written", []).await.unwrap().unwrap().int("n").unwrap();
    assert!(found > acknowledged, "{acknowledged} acknowledged, {found} rows found");
}
