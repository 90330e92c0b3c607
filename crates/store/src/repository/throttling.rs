//! Throttling policies of the four levels, kept as the document the Admin API shows.

use model::{PolicyId, TenantId, Timestamp};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// A throttling policy.
#[derive(Clone, Debug)]
pub struct ThrottlePolicyRow {
    /// Its id.
    pub id: PolicyId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// `application`, `subscription`, `advanced` or `custom`.
    pub level: String,
    /// Unique within tenant and level.
    pub name: String,
    /// The Admin API's object without `policyId`.
    pub document: Value,
}

fn row(row: &Row) -> Result<ThrottlePolicyRow, StoreError> {
    Ok(ThrottlePolicyRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        level: row.text("level")?,
        name: row.text("name")?,
        document: row.json("document")?,
    })
}

/// Adds a policy.
///
/// # Errors
/// [`StoreError::Conflict`] when tenant and level have the name already.
pub async fn insert(work: &mut UnitOfWork, policy: &ThrottlePolicyRow, now: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO throttle_policy (id, tenant, level, name, document, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            policy.id.into(),
            policy.tenant.into(),
            policy.level.as_str().into(),
            policy.name.as_str().into(),
            policy.document.to_string().into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Replaces the document of a policy; whether it was there.
pub async fn update(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: PolicyId,
    document: &Value,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE throttle_policy SET document = $3 WHERE tenant = $1 AND id = $2",
            [tenant.into(), id.into(), document.to_string().into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a policy; whether it was there.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: PolicyId) -> Result<bool, StoreError> {
    let changed =
        work.execute("DELETE FROM throttle_policy WHERE tenant = $1 AND id = $2", [tenant.into(), id.into()]).await?;
    Ok(changed > 0)
}

/// A policy by id.
pub async fn find(
    work: &mut UnitOfWork,
    tenant: TenantId,
    level: &str,
    id: PolicyId,
) -> Result<Option<ThrottlePolicyRow>, StoreError> {
    work.find(
        "SELECT id, tenant, level, name, document FROM throttle_policy WHERE tenant = $1 AND level = $2 AND id = $3",
        [tenant.into(), level.into(), id.into()],
    )
    .await?
    .as_ref()
    .map(row)
    .transpose()
}

/// A policy by name.
pub async fn find_by_name(
    work: &mut UnitOfWork,
    tenant: TenantId,
    level: &str,
    name: &str,
) -> Result<Option<ThrottlePolicyRow>, StoreError> {
    work.find(
        "SELECT id, tenant, level, name, document FROM throttle_policy WHERE tenant = $1 AND level = $2 AND name = $3",
        [tenant.into(), level.into(), name.into()],
    )
    .await?
    .as_ref()
    .map(row)
    .transpose()
}

/// All policies of a level in order of creation, at most 5000.
pub async fn list(work: &mut UnitOfWork, tenant: TenantId, level: &str) -> Result<Vec<ThrottlePolicyRow>, StoreError> {
    work.query(
        "SELECT id, tenant, level, name, document FROM throttle_policy WHERE tenant = $1 AND level = $2 \
         ORDER BY created_at, name LIMIT 5000",
        [tenant.into(), level.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// The policies of all tenants, for the snapshot.
pub async fn all(work: &mut UnitOfWork) -> Result<Vec<ThrottlePolicyRow>, StoreError> {
    let sql = "/* whole: the snapshot holds every one */ SELECT id, tenant, level, name, document FROM throttle_policy ORDER BY tenant, level, name";
    work.query(sql, []).await?.iter().map(row).collect()
}
