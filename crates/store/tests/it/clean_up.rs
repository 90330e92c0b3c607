//! Clean-up beside requests, and the list of what expires.

use model::TenantId;
use store::Database;
use store::repository::session::{self, EXPIRING};
use store::repository::token::{self, RevokedRow};

use crate::backends::{NOW, each};

/// Tables with such a column whose rows something else removes.
const KEPT: [(&str, &str); 2] = [
    ("setup_link", "one row at most, which the next link replaces"),
    ("api_key", "the control plane removes expired ones when it lists them"),
];

#[tokio::test]
async fn every_table_whose_rows_expire_is_cleaned() {
    each(async |database: Database| {
        if database.is_postgres() {
            return;
        }
        let mut work = database.read().await.unwrap();
        let columns = work
            .query(
                "SELECT m.name AS tab, p.name AS col FROM sqlite_master m JOIN pragma_table_info(m.name) p \
                 WHERE m.type = 'table' AND p.name IN ('expires_at', 'ends_at')",
                [],
            )
            .await
            .unwrap();
        for row in columns {
            let table = row.text("tab").unwrap();
            let listed = EXPIRING.iter().any(|kind| kind.table == table) || KEPT.iter().any(|(kept, _)| *kept == table);
            assert!(listed, "{table} has rows that expire: add it to EXPIRING, or to KEPT with what removes them");
        }
        // Each is found by an index: a look at every row would hold the lock for as long as the table is large.
        for kind in EXPIRING {
            let indexes = work
                .query(
                    "SELECT x.name AS n FROM pragma_index_list($1) l JOIN pragma_index_info(l.name) x \
                     WHERE x.seqno = 0 AND x.name IN ('expires_at', 'ends_at', 'not_before')",
                    [kind.table.into()],
                )
                .await
                .unwrap();
            assert!(!indexes.is_empty(), "{} has no index on the time of its end", kind.table);
        }
    })
    .await;
}

#[tokio::test]
async fn clean_up_leaves_what_a_request_holds_and_waits_for_nobody() {
    each(async |database: Database| {
        if !database.is_postgres() {
            return;
        }
        let mut work = database.begin().await.unwrap();
        for n in 0..20 {
            let row = RevokedRow { token_id: format!("t{n:02}"), expires_at: NOW, revoked_at: NOW };
            token::revoke(&mut work, TenantId::SUPER, &row).await.unwrap();
        }
        work.save().await.unwrap();
        let kind = EXPIRING.iter().find(|kind| kind.table == "revoked_token").unwrap();
        let mut request = database.begin().await.unwrap();
        request.execute("UPDATE revoked_token SET revoked_at = 1 WHERE token_id = 't07'", []).await.unwrap();
        let mut cleaning = database.begin().await.unwrap();
        assert!(session::take_turn(&mut cleaning).await.unwrap());
        let removing = kind.remove(&mut cleaning, (model::Timestamp::from_millis(0), NOW), 100);
        let removed = tokio::time::timeout(std::time::Duration::from_secs(5), removing).await.expect("it waits");
        assert_eq!(removed.unwrap().rows, 19);
        // Another node has to come back later.
        let mut other = database.begin().await.unwrap();
        assert!(!session::take_turn(&mut other).await.unwrap());
        other.cancel().await.unwrap();
        cleaning.save().await.unwrap();
        request.save().await.unwrap();
    })
    .await;
}
