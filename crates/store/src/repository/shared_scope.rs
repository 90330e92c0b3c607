//! Scopes shared by the APIs of a tenant.

use model::TenantId;

use crate::{Row, StoreError, UnitOfWork};

/// A shared scope.
#[derive(Clone, Debug)]
pub struct SharedScopeRow {
    /// UUID.
    pub id: String,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name, unique in the tenant.
    pub name: String,
    /// The scope object of the Publisher API as JSON text.
    pub body: String,
}

/// Adds a scope.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant has one of that name.
pub async fn insert(work: &mut UnitOfWork, row: &SharedScopeRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO shared_scope (id, tenant_id, name, body) VALUES ($1, $2, $3, $4)",
        [(&row.id).into(), row.tenant.into(), (&row.name).into(), (&row.body).into()],
    )
    .await?;
    Ok(())
}

/// Replaces the body.
pub async fn update(work: &mut UnitOfWork, row: &SharedScopeRow) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE shared_scope SET body = $3 WHERE id = $1 AND tenant_id = $2",
            [(&row.id).into(), row.tenant.into(), (&row.body).into()],
        )
        .await?;
    Ok(changed > 0)
}

/// One scope.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<Option<SharedScopeRow>, StoreError> {
    work.find("SELECT * FROM shared_scope WHERE id = $1 AND tenant_id = $2", [id.into(), tenant.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// One scope by name.
pub async fn find_name(
    work: &mut UnitOfWork,
    tenant: TenantId,
    name: &str,
) -> Result<Option<SharedScopeRow>, StoreError> {
    work.find("SELECT * FROM shared_scope WHERE name = $1 AND tenant_id = $2", [name.into(), tenant.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All scopes of a tenant by name.
pub async fn list(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<SharedScopeRow>, StoreError> {
    work.query("SELECT * FROM shared_scope WHERE tenant_id = $1 ORDER BY name LIMIT 10000", [tenant.into()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Removes a scope.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
    let gone =
        work.execute("DELETE FROM shared_scope WHERE id = $1 AND tenant_id = $2", [id.into(), tenant.into()]).await?;
    Ok(gone > 0)
}

fn read(row: &Row) -> Result<SharedScopeRow, StoreError> {
    Ok(SharedScopeRow {
        id: row.text("id")?,
        tenant: row.tenant("tenant_id")?,
        name: row.text("name")?,
        body: row.text("body")?,
    })
}
