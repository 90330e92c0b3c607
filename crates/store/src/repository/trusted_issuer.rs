//! Issuers outside whose assertions count at a tenant's token endpoint.

use model::{TenantId, Timestamp};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// A trusted issuer as stored.
#[derive(Clone, Debug)]
pub struct TrustedIssuerRow {
    /// Its id, a UUID in text form.
    pub id: String,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name, unique in the tenant.
    pub name: String,
    /// Exact `iss`, unique in the tenant.
    pub issuer: String,
    /// Keys, audience, role mapping, as crate `identity` writes them.
    pub details: Value,
    /// When it was added.
    pub created_at: Timestamp,
}

fn issuer(row: &Row) -> Result<TrustedIssuerRow, StoreError> {
    Ok(TrustedIssuerRow {
        id: row.text("id")?,
        tenant: row.tenant("tenant_id")?,
        name: row.text("name")?,
        issuer: row.text("issuer")?,
        details: row.json("details")?,
        created_at: row.timestamp("created_at")?,
    })
}

/// The issuers of a tenant by name; at most 1000.
pub async fn list(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<TrustedIssuerRow>, StoreError> {
    let rows = work
        .query("SELECT * FROM trusted_issuer WHERE tenant_id = $1 ORDER BY name LIMIT 1000", [tenant.into()])
        .await?;
    rows.iter().map(issuer).collect()
}

/// The issuer of an `iss` value.
pub async fn by_issuer(
    work: &mut UnitOfWork,
    tenant: TenantId,
    iss: &str,
) -> Result<Option<TrustedIssuerRow>, StoreError> {
    work.find("SELECT * FROM trusted_issuer WHERE tenant_id = $1 AND issuer = $2", [tenant.into(), iss.into()])
        .await?
        .as_ref()
        .map(issuer)
        .transpose()
}

/// The issuer of an id.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<Option<TrustedIssuerRow>, StoreError> {
    work.find("SELECT * FROM trusted_issuer WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()])
        .await?
        .as_ref()
        .map(issuer)
        .transpose()
}

/// Whether an issuer is there; whoever wants to remove it waits for the end of this transaction.
pub async fn hold(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
    // An UPDATE is the row lock that both backends know.
    let rows = work
        .execute("UPDATE trusted_issuer SET name = name WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()])
        .await?;
    Ok(rows > 0)
}

/// Adds an issuer.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant has one of this name or `iss`.
pub async fn insert(work: &mut UnitOfWork, new: &TrustedIssuerRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO trusted_issuer (id, tenant_id, name, issuer, details, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (&new.id).into(),
            new.tenant.into(),
            (&new.name).into(),
            (&new.issuer).into(),
            new.details.to_string().into(),
            new.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Replaces what may change: keys, audience, role mapping.
pub async fn update(work: &mut UnitOfWork, changed: &TrustedIssuerRow) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "UPDATE trusted_issuer SET details = $3 WHERE tenant_id = $1 AND id = $2",
            [changed.tenant.into(), (&changed.id).into(), changed.details.to_string().into()],
        )
        .await?;
    Ok(rows > 0)
}

/// Removes an issuer; `false` when there is none.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
    let rows =
        work.execute("DELETE FROM trusted_issuer WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()]).await?;
    Ok(rows > 0)
}
