//! Certificates of upstreams (shared by a tenant) and of clients (per API).

use model::TenantId;

use crate::{Row, StoreError, UnitOfWork};

/// A certificate.
#[derive(Clone, Debug)]
pub struct CertificateRow {
    /// Owner tenant.
    pub tenant: TenantId,
    /// Alias, unique per tenant and kind.
    pub alias: String,
    /// The API's id for a client certificate, empty for an upstream's.
    pub api: String,
    /// `ENDPOINT`, `PRODUCTION` or `SANDBOX`.
    pub kind: String,
    /// Upstream URL, or the plan of the client.
    pub subject: String,
    /// What was read from the certificate, as JSON text.
    pub detail: String,
    /// The certificate as it was uploaded.
    pub bytes: Vec<u8>,
}

/// Adds a certificate.
///
/// # Errors
/// [`StoreError::Conflict`] when the alias is in use.
pub async fn insert(work: &mut UnitOfWork, row: &CertificateRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO certificate (tenant_id, alias, api_id, kind, subject, detail, bytes) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            row.tenant.into(),
            (&row.alias).into(),
            (&row.api).into(),
            (&row.kind).into(),
            (&row.subject).into(),
            (&row.detail).into(),
            row.bytes.as_slice().into(),
        ],
    )
    .await?;
    Ok(())
}

/// All certificates of an API, or of the tenant's upstreams when `api` is empty.
pub async fn list(work: &mut UnitOfWork, tenant: TenantId, api: &str) -> Result<Vec<CertificateRow>, StoreError> {
    work.query(
        "SELECT * FROM certificate WHERE tenant_id = $1 AND api_id = $2 ORDER BY alias, kind LIMIT 10000",
        [tenant.into(), api.into()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Removes a certificate.
pub async fn delete(
    work: &mut UnitOfWork,
    tenant: TenantId,
    kind: &str,
    api: &str,
    alias: &str,
) -> Result<bool, StoreError> {
    let gone = work
        .execute(
            "DELETE FROM certificate WHERE tenant_id = $1 AND kind = $2 AND api_id = $3 AND alias = $4",
            [tenant.into(), kind.into(), api.into(), alias.into()],
        )
        .await?;
    Ok(gone > 0)
}

fn read(row: &Row) -> Result<CertificateRow, StoreError> {
    Ok(CertificateRow {
        tenant: row.tenant("tenant_id")?,
        alias: row.text("alias")?,
        api: row.text("api_id")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        detail: row.text("detail")?,
        bytes: row.bytes("bytes")?,
    })
}
