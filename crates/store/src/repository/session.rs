//! Clean-up of what has expired, in chunks so that no lock is held long (guideline O08).
//!
//! A table whose rows expire needs a line in [`EXPIRING`] and an index on the column; a test compares the list with the
//! schema.

use model::Timestamp;

use crate::{StoreError, UnitOfWork};

/// A table whose rows expire.
#[derive(Clone, Copy, Debug)]
pub struct Expiring {
    /// The table.
    pub table: &'static str,
    /// Whether its rows are subject epochs, which matter for as long as the longest token may live, and not rows with an
    /// end of their own.
    pub is_epoch: bool,
    sqlite: &'static str,
    postgres: &'static str,
}

/// What one transaction removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Rows that went.
    pub rows: u64,
    /// Where the next transaction of the same clean-up begins to look.
    pub next: Timestamp,
}

/// Rows are found by the index of the column and removed by their place in the table. PostgreSQL leaves out rows that a
/// request holds right now: clean-up never waits for a request, so the two cannot block each other. It also keeps the
/// entries of removed rows in the index until the next vacuum: without a lower bound every chunk would walk through what
/// all chunks before it removed. SQLite removes them at once, and needs none.
macro_rules! expiring {
    ($table:literal, $column:literal) => {
        expiring!($table, $column, false)
    };
    ($table:literal, $column:literal, $is_epoch:literal) => {
        Expiring {
            table: $table,
            is_epoch: $is_epoch,
            sqlite: concat!(
                "DELETE FROM ",
                $table,
                " WHERE rowid IN (SELECT rowid FROM ",
                $table,
                " WHERE ",
                $column,
                " <= $1 ORDER BY ",
                $column,
                " LIMIT $2)"
            ),
            postgres: concat!(
                "WITH gone AS (DELETE FROM ",
                $table,
                " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ",
                $table,
                " WHERE ",
                $column,
                " >= $3 AND ",
                $column,
                " <= $1 ORDER BY ",
                $column,
                " LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING ",
                $column,
                " AS ended) SELECT count(*) AS n, COALESCE(max(ended), $3) AS last FROM gone"
            ),
        }
    };
}

/// Every table that clean-up looks at.
pub const EXPIRING: &[Expiring] = &[
    expiring!("revoked_token", "expires_at"),
    expiring!("derived_token", "expires_at"),
    expiring!("refresh_token", "expires_at"),
    expiring!("client_secret", "expires_at"),
    expiring!("authorization_request", "expires_at"),
    expiring!("authorization_code", "expires_at"),
    expiring!("device_code", "expires_at"),
    expiring!("used_proof", "expires_at"),
    expiring!("login_session", "ends_at"),
    expiring!("sign_in_step", "expires_at"),
    expiring!("recovery_token", "expires_at"),
    expiring!("sign_up", "expires_at"),
    expiring!("address_lock", "ends_at"),
    expiring!("subject_epoch", "not_before", true),
];

impl Expiring {
    /// Removes up to `chunk` rows that ended at or before a time; `from` is [`Removed::next`] of the chunk before, and
    /// zero for the first.
    ///
    /// # Errors
    /// As the database says.
    pub async fn remove(
        &self,
        work: &mut UnitOfWork,
        (from, before): (Timestamp, Timestamp),
        chunk: i64,
    ) -> Result<Removed, StoreError> {
        let chunk = chunk.max(1);
        if !work.is_postgres() {
            let rows = work.execute(self.sqlite, [before.into(), chunk.into()]).await?;
            return Ok(Removed { rows, next: from });
        }
        // A crash may bring removed rows back for the next clean-up: waiting for the disk would only lengthen the lock.
        work.execute("SET LOCAL synchronous_commit = off", []).await?;
        let found = work.find(self.postgres, [before.into(), chunk.into(), from.into()]).await?;
        let Some(row) = found else { return Ok(Removed { rows: 0, next: from }) };
        Ok(Removed { rows: u64::try_from(row.int("n")?).unwrap_or(0), next: row.timestamp("last")? })
    }
}

/// Whether this transaction may clean up: `false` while another node's does. Two at once would only wait for each other.
pub async fn take_turn(work: &mut UnitOfWork) -> Result<bool, StoreError> {
    if !work.is_postgres() {
        // The write lock that the transaction holds is the turn.
        return Ok(true);
    }
    let row =
        work.find("SELECT CASE WHEN pg_try_advisory_xact_lock(5787200) THEN 1 ELSE 0 END::BIGINT AS n", []).await?;
    row.map_or(Ok(false), |row| row.flag("n"))
}
