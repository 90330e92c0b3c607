//! The audit log: append-only, each record holding the hash of the one before.

use aws_lc_rs::digest::{SHA256, digest};
use model::{TenantId, Timestamp};
use uuid::Uuid;

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

/// What is to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct AuditEntry<'a> {
    /// UUIDv7 (`Rng::uuid_at`).
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Whose data.
    pub tenant: TenantId,
    /// Who, as WSO2 reports names: `alice`, `alice@example.com` outside the super tenant.
    pub principal: &'a str,
    /// Operation id, as in `admin.users.lock`.
    pub action: &'a str,
    /// What was changed, as in `user/<uuid>`; never a secret.
    pub target: &'a str,
}

/// Continues the chain inside the caller's transaction: the change and its record are kept together or not at all. All
/// writers use this one function, so that the chain has one form (guideline A21).
///
/// # Errors
/// When the database refuses; then the transaction must not be saved.
pub async fn record(work: &mut UnitOfWork, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
    let (last, previous_hash) = head(work).await?;
    let mut next = AuditRecord {
        sequence: last.saturating_add(1),
        id: entry.id.to_string(),
        at: entry.at,
        tenant: entry.tenant,
        principal: entry.principal.to_owned(),
        action: entry.action.to_owned(),
        target: entry.target.to_owned(),
        previous_hash,
        hash: String::new(),
    };
    next.hash = hash_of(&next);
    append(work, &next).await
}

/// SHA-256 over the record's canonical JSON (fixed key order, the hash left out), in hex.
pub fn hash_of(record: &AuditRecord) -> String {
    let canonical = serde_json::json!([
        record.sequence,
        record.id,
        record.at.millis(),
        record.tenant.number(),
        record.principal,
        record.action,
        record.target,
        record.previous_hash,
    ]);
    let digest = digest(&SHA256, canonical.to_string().as_bytes());
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The end of the chain (number and hash; 0 and empty for an empty log), locked until the transaction ends so that two
/// writers cannot continue the same record.
async fn head(work: &mut UnitOfWork) -> Result<(i64, String), StoreError> {
    work.execute("UPDATE audit_head SET sequence = sequence WHERE id = 1", []).await?;
    let row = work.find("SELECT sequence, hash FROM audit_head WHERE id = 1", []).await?;
    match row {
        Some(row) => Ok((row.int("sequence")?, row.text("hash")?)),
        None => Err(StoreError::Inconsistent { column: "audit_head".into(), reason: "its only row is gone".into() }),
    }
}

async fn append(work: &mut UnitOfWork, record: &AuditRecord) -> Result<(), StoreError> {
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
    .map(read)
    .collect()
}

/// What is looked for in the log of a tenant. An empty text does not restrict.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Part of the name of who did it, in any case.
    pub principal: String,
    /// Part of the operation's id.
    pub action: String,
    /// Part of what was changed.
    pub target: String,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The number of the newest record; 0 for an empty log.
pub async fn newest(work: &mut UnitOfWork) -> Result<i64, StoreError> {
    let row = work.find("SELECT sequence FROM audit_head WHERE id = 1", []).await?;
    row.map_or(Ok(0), |row| row.int("sequence"))
}

/// Records of a tenant that a filter finds, with numbers above `low` and below `high`, newest first, at most `limit`. The
/// bounds keep a filter that finds little from reading the whole log.
pub async fn search(
    work: &mut UnitOfWork,
    tenant: TenantId,
    filter: &AuditFilter,
    (low, high): (i64, i64),
    limit: i64,
) -> Result<Vec<AuditRecord>, StoreError> {
    work.query(
        "SELECT sequence, id, at, tenant_id, principal, action, target, previous_hash, hash FROM audit_log \
         WHERE tenant_id = $1 AND sequence > $2 AND sequence < $3 AND lower(principal) LIKE $4 ESCAPE '\\' \
         AND lower(action) LIKE $5 ESCAPE '\\' AND lower(target) LIKE $6 ESCAPE '\\' AND at >= $7 AND at < $8 \
         ORDER BY sequence DESC LIMIT $9",
        [
            tenant.into(),
            low.into(),
            high.into(),
            crate::row::containing(&filter.principal).into(),
            crate::row::containing(&filter.action).into(),
            crate::row::containing(&filter.target).into(),
            filter.from.map_or(i64::MIN, Timestamp::millis).into(),
            filter.until.map_or(i64::MAX, Timestamp::millis).into(),
            limit.into(),
        ],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// A record of a tenant by its number.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, sequence: i64) -> Result<Option<AuditRecord>, StoreError> {
    work.find(
        "SELECT sequence, id, at, tenant_id, principal, action, target, previous_hash, hash FROM audit_log \
         WHERE tenant_id = $1 AND sequence = $2",
        [tenant.into(), sequence.into()],
    )
    .await?
    .as_ref()
    .map(read)
    .transpose()
}

/// The hash of a record of whatever tenant; empty before the first.
pub async fn hash_at(work: &mut UnitOfWork, sequence: i64) -> Result<String, StoreError> {
    let row = work.find("SELECT hash FROM audit_log WHERE sequence = $1", [sequence.into()]).await?;
    row.map_or_else(|| Ok(String::new()), |row| row.text("hash"))
}

fn read(row: &Row) -> Result<AuditRecord, StoreError> {
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
