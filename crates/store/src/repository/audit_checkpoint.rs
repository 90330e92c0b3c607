//! Checkpoints of the audit log: sealed notes of what its end was.

use model::Timestamp;

use crate::{Row, StoreError, UnitOfWork};

/// Most checkpoints that are kept; older ones go.
const KEPT: i64 = 50_000;

/// One checkpoint. Only what is sealed counts; the other fields are copies of it.
#[derive(Clone, Debug)]
pub struct CheckpointRow {
    /// Counts from 1 without gaps.
    pub number: i64,
    /// Number of the last record then.
    pub sequence: i64,
    /// When it was made.
    pub at: Timestamp,
    /// All of it with the hash of that record, sealed.
    pub sealed: String,
}

/// Adds a checkpoint and forgets those that are too old.
///
/// # Errors
/// [`StoreError::Conflict`] when another process made the one of that number.
pub async fn insert(work: &mut UnitOfWork, row: &CheckpointRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO audit_checkpoint (number, sequence, at, sealed) VALUES ($1, $2, $3, $4)",
        [row.number.into(), row.sequence.into(), row.at.into(), (&row.sealed).into()],
    )
    .await?;
    let oldest = row.number.saturating_sub(KEPT);
    work.execute("DELETE FROM audit_checkpoint WHERE number <= $1", [oldest.into()]).await?;
    Ok(())
}

/// The newest one.
pub async fn newest(work: &mut UnitOfWork) -> Result<Option<CheckpointRow>, StoreError> {
    // With a bound, so that the key is looked up instead of walked along.
    let sql = "SELECT number, sequence, at, sealed FROM audit_checkpoint WHERE number > 0 ORDER BY number DESC LIMIT 1";
    work.find(sql, []).await?.as_ref().map(read).transpose()
}

/// Those with a larger number, in their order, at most `limit`.
pub async fn after(work: &mut UnitOfWork, number: i64, limit: i64) -> Result<Vec<CheckpointRow>, StoreError> {
    let sql = "SELECT number, sequence, at, sealed FROM audit_checkpoint WHERE number > $1 ORDER BY number LIMIT $2";
    work.query(sql, [number.into(), limit.into()]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<CheckpointRow, StoreError> {
    Ok(CheckpointRow {
        number: row.int("number")?,
        sequence: row.int("sequence")?,
        at: row.timestamp("at")?,
        sealed: row.text("sealed")?,
    })
}
