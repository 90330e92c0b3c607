//! Policies that a tenant added to the shipped catalogue. Their templates are artifacts owned by the policy's id.

use model::TenantId;

use crate::{Row, StoreError, UnitOfWork};

/// A policy. `api` is the text of the API's id for a policy of one API, and empty for one shared by all.
#[derive(Clone, Debug)]
pub struct OperationPolicyRow {
    /// UUID.
    pub id: String,
    /// Owner tenant.
    pub tenant: TenantId,
    /// The API, or empty.
    pub api: String,
    /// Name.
    pub name: String,
    /// Version, as in `v1`.
    pub version: String,
    /// The policy's specification as JSON text.
    pub body: String,
}

/// Adds a policy.
///
/// # Errors
/// [`StoreError::Conflict`] when there is one of that name and version.
pub async fn insert(work: &mut UnitOfWork, row: &OperationPolicyRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO operation_policy (id, tenant_id, api_id, name, version, body) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (&row.id).into(),
            row.tenant.into(),
            (&row.api).into(),
            (&row.name).into(),
            (&row.version).into(),
            (&row.body).into(),
        ],
    )
    .await?;
    Ok(())
}

/// One policy of an API, or a shared one when `api` is empty.
pub async fn find(
    work: &mut UnitOfWork,
    tenant: TenantId,
    api: &str,
    id: &str,
) -> Result<Option<OperationPolicyRow>, StoreError> {
    work.find(
        "SELECT * FROM operation_policy WHERE id = $1 AND tenant_id = $2 AND api_id = $3",
        [id.into(), tenant.into(), api.into()],
    )
    .await?
    .as_ref()
    .map(read)
    .transpose()
}

/// All policies of an API, or the shared ones when `api` is empty.
pub async fn list(work: &mut UnitOfWork, tenant: TenantId, api: &str) -> Result<Vec<OperationPolicyRow>, StoreError> {
    work.query(
        "SELECT * FROM operation_policy WHERE tenant_id = $1 AND api_id = $2 ORDER BY name, version LIMIT 1000",
        [tenant.into(), api.into()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Removes a policy with its templates.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
    let gone = work
        .execute("DELETE FROM operation_policy WHERE id = $1 AND tenant_id = $2", [id.into(), tenant.into()])
        .await?;
    if gone > 0 {
        work.execute("DELETE FROM artifact WHERE owner = $1", [id.into()]).await?;
    }
    Ok(gone > 0)
}

fn read(row: &Row) -> Result<OperationPolicyRow, StoreError> {
    Ok(OperationPolicyRow {
        id: row.text("id")?,
        tenant: row.tenant("tenant_id")?,
        api: row.text("api_id")?,
        name: row.text("name")?,
        version: row.text("version")?,
        body: row.text("body")?,
    })
}
