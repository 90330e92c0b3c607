//! Deny policies: what the gateway refuses whatever else holds.

use model::{PolicyId, TenantId, Timestamp};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// A deny policy.
#[derive(Clone, Debug)]
pub struct DenyPolicyRow {
    /// Its id.
    pub id: PolicyId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// `API`, `APPLICATION`, `IP`, `IPRANGE` or `USER`.
    pub kind: String,
    /// What it matches, as the Admin API shows it.
    pub value: Value,
    /// Whether the gateway applies it.
    pub active: bool,
}

fn row(row: &Row) -> Result<DenyPolicyRow, StoreError> {
    Ok(DenyPolicyRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        kind: row.text("kind")?,
        value: row.json("value")?,
        active: row.flag("active")?,
    })
}

/// Adds a policy.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant denies the same already.
pub async fn insert(work: &mut UnitOfWork, policy: &DenyPolicyRow, now: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO deny_policy (id, tenant, kind, value, active, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            policy.id.into(),
            policy.tenant.into(),
            policy.kind.as_str().into(),
            policy.value.to_string().into(),
            policy.active.into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Switches a policy on or off; whether it was there.
pub async fn set_active(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: PolicyId,
    active: bool,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE deny_policy SET active = $3 WHERE tenant = $1 AND id = $2",
            [tenant.into(), id.into(), active.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a policy; whether it was there.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: PolicyId) -> Result<bool, StoreError> {
    let changed =
        work.execute("DELETE FROM deny_policy WHERE tenant = $1 AND id = $2", [tenant.into(), id.into()]).await?;
    Ok(changed > 0)
}

/// A policy by id.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, id: PolicyId) -> Result<Option<DenyPolicyRow>, StoreError> {
    work.find(
        "SELECT id, tenant, kind, value, active FROM deny_policy WHERE tenant = $1 AND id = $2",
        [tenant.into(), id.into()],
    )
    .await?
    .as_ref()
    .map(row)
    .transpose()
}

/// All policies of a tenant in order of creation, at most 10 000.
pub async fn list(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<DenyPolicyRow>, StoreError> {
    work.query(
        "SELECT id, tenant, kind, value, active FROM deny_policy WHERE tenant = $1 ORDER BY created_at, id LIMIT 10000",
        [tenant.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// The active policies of all tenants, for the snapshot.
pub async fn active(work: &mut UnitOfWork) -> Result<Vec<DenyPolicyRow>, StoreError> {
    work.query(
        "/* whole: the snapshot holds every one */ \
         SELECT id, tenant, kind, value, active FROM deny_policy WHERE active = 1 ORDER BY tenant, created_at, id",
        [],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}
