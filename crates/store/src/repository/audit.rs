//! The audit log: append-only, each record holding the hash of the one before.

use model::{TenantId, Timestamp};

use crate::{Row, StoreError, UnitOfWork};

/// One record.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Counts from 1 without gaps.
    pub sequence: i64,
    /// UUIDv7.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Whose data.
    pub tenant: TenantId,
    /// Who.
    pub principal: String,
    /// Operation id, as in `publisher.apis.create`.
    pub action: String,
    /// What was changed, as in `api/<uuid>`.
    pub target: String,
    /// Hash of the record before, empty for the first.
    pub previous_hash: String,
    /// Hash of this record.
    pub hash: String,
}

/// The newest record's place in the chain.
#[derive(Clone, Debug)]
pub struct AuditHead {
    /// Its number; 0 when the log is empty.
    pub sequence: i64,
    /// Its hash; empty when the log is empty.
    pub hash: String,
}

/// The end of the chain, locked until the transaction ends so that two writers cannot continue the same record.
pub async fn head(work: &mut UnitOfWork) -> Result<AuditHead, StoreError> {
    work.execute("UPDATE audit_head SET sequence = sequence WHERE id = 1", []).await?;
    let row = work.find("SELECT sequence, hash FROM audit_head WHERE id = 1", []).await?;
    match row {
        Some(row) => Ok(AuditHead { sequence: row.int("sequence")?, hash: row.text("hash")? }),
        None => Err(StoreError::Inconsistent { column: "audit_head".into(), reason: "its only row is gone".into() }),
    }
}

/// Adds a record after [`head`].
pub async fn append(work: &mut UnitOfWork, record: &AuditRecord) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO audit_log (sequence, id, at, tenant_id, principal, action, target, previous_hash, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            record.sequence.into(),
            (&record.id).into(),
            record.at.into(),
            record.tenant.into(),
            (&record.principal).into(),
            (&record.action).into(),
            (&record.target).into(),
            (&record.previous_hash).into(),
            (&record.hash).into(),
        ],
    )
    .await?;
    work.execute(
        "UPDATE audit_head SET sequence = $1, hash = $2 WHERE id = 1",
        [record.sequence.into(), (&record.hash).into()],
    )
    .await?;
    Ok(())
}

/// Records with a larger sequence number, oldest first, at most `limit`.
pub async fn after(work: &mut UnitOfWork, sequence: i64, limit: i64) -> Result<Vec<AuditRecord>, StoreError> {
    work.query(
        "SELECT sequence, id, at, tenant_id, principal, action, target, previous_hash, hash \
         FROM audit_log WHERE sequence > $1 ORDER BY sequence LIMIT $2",
        [sequence.into(), limit.into()],
    )
    .await?
    .iter()
    .map(record)
    .collect()
}

fn record(row: &Row) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        sequence: row.int("sequence")?,
        id: row.text("id")?,
        at: row.timestamp("at")?,
        tenant: row.tenant("tenant_id")?,
        principal: row.text("principal")?,
        action: row.text("action")?,
        target: row.text("target")?,
        previous_hash: row.text("previous_hash")?,
        hash: row.text("hash")?,
    })
}
