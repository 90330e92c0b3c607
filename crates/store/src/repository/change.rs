//! The change log: one entry per change that gateways must see, numbered without gaps.

use model::{TenantId, Timestamp};

use crate::{StoreError, UnitOfWork};

/// Adds an entry; returns its number. Writers wait for each other here, so numbers follow the order of commits. `target` is
/// what gateways must read again.
pub async fn append(
    work: &mut UnitOfWork,
    tenant: TenantId,
    action: &str,
    target: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    work.execute("UPDATE change_head SET sequence = sequence + 1 WHERE id = 1", []).await?;
    let sequence = latest(work).await?;
    work.execute(
        "INSERT INTO change_log (sequence, at, tenant_id, action, target) VALUES ($1, $2, $3, $4, $5)",
        [sequence.into(), now.into(), tenant.into(), action.into(), target.into()],
    )
    .await?;
    Ok(sequence)
}

/// Targets of the entries after `sequence`, oldest first, at most `limit`.
pub async fn targets_after(work: &mut UnitOfWork, sequence: i64, limit: i64) -> Result<Vec<String>, StoreError> {
    work.query(
        "SELECT target FROM change_log WHERE sequence > $1 ORDER BY sequence LIMIT $2",
        [sequence.into(), limit.into()],
    )
    .await?
    .iter()
    .map(|row| row.text("target"))
    .collect()
}

/// The newest entry's number; 0 when there is none. It is the snapshot's version.
pub async fn latest(work: &mut UnitOfWork) -> Result<i64, StoreError> {
    let row = work.find("SELECT sequence FROM change_head WHERE id = 1", []).await?;
    row.map_or(Ok(0), |row| row.int("sequence"))
}

/// When a change was made; `None` for a number that there is not.
pub async fn made_at(work: &mut UnitOfWork, sequence: i64) -> Result<Option<Timestamp>, StoreError> {
    let row = work.find("SELECT at FROM change_log WHERE sequence = $1", [sequence.into()]).await?;
    row.map(|row| row.timestamp("at")).transpose()
}
