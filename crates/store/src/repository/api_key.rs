//! API keys of applications. Only the SHA-256 of a key is kept.

use model::{ApplicationId, TenantId, Timestamp};
use uuid::Uuid;

use crate::{Row, StoreError, UnitOfWork};

/// An API key.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    /// Its id (WSO2: `keyUUID`).
    pub id: Uuid,
    /// Owner tenant.
    pub tenant: TenantId,
    /// The application.
    pub application: ApplicationId,
    /// `PRODUCTION` or `SANDBOX`.
    pub key_type: String,
    /// The name its owner gave it.
    pub name: String,
    /// SHA-256 of the key, hexadecimal.
    pub digest: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working.
    pub expires: Option<Timestamp>,
    /// Client addresses (CIDR) it may be used from; empty means any.
    pub permitted_ips: Vec<String>,
    /// `Referer` patterns it may be used from; empty means any.
    pub permitted_referrers: Vec<String>,
}

/// Appends a condition to the common select.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, tenant, application, key_type, name, digest, created_at, expires_at, permitted_ips, \
             permitted_referrers FROM api_key ",
            $tail
        )
    };
}

fn row(row: &Row) -> Result<ApiKeyRow, StoreError> {
    Ok(ApiKeyRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        application: row.parse("application")?,
        key_type: row.text("key_type")?,
        name: row.text("name")?,
        digest: row.text("digest")?,
        created: row.timestamp("created_at")?,
        expires: row.opt_timestamp("expires_at")?,
        permitted_ips: row.json("permitted_ips")?,
        permitted_referrers: row.json("permitted_referrers")?,
    })
}

/// Adds a key.
pub async fn insert(work: &mut UnitOfWork, key: &ApiKeyRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO api_key (id, tenant, application, key_type, name, digest, created_at, expires_at, permitted_ips, \
         permitted_referrers) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [
            key.id.to_string().into(),
            key.tenant.into(),
            key.application.into(),
            key.key_type.as_str().into(),
            key.name.as_str().into(),
            key.digest.as_str().into(),
            key.created.into(),
            key.expires.into(),
            serde_json::Value::from(key.permitted_ips.clone()).to_string().into(),
            serde_json::Value::from(key.permitted_referrers.clone()).to_string().into(),
        ],
    )
    .await?;
    Ok(())
}

/// Removes a key by id; whether it was there.
pub async fn delete(
    work: &mut UnitOfWork,
    tenant: TenantId,
    application: ApplicationId,
    id: Uuid,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "DELETE FROM api_key WHERE tenant = $1 AND application = $2 AND id = $3",
            [tenant.into(), application.into(), id.to_string().into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a key by its digest; whether it was there.
pub async fn delete_by_digest(
    work: &mut UnitOfWork,
    tenant: TenantId,
    application: ApplicationId,
    digest: &str,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "DELETE FROM api_key WHERE tenant = $1 AND application = $2 AND digest = $3",
            [tenant.into(), application.into(), digest.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// The keys of an application and type in order of creation.
pub async fn of_application(
    work: &mut UnitOfWork,
    tenant: TenantId,
    application: ApplicationId,
    key_type: &str,
) -> Result<Vec<ApiKeyRow>, StoreError> {
    work.query(
        select!("WHERE tenant = $1 AND application = $2 AND key_type = $3 ORDER BY created_at, id LIMIT 1000"),
        [tenant.into(), application.into(), key_type.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// The keys of all tenants, for the snapshot. The gateway checks their expiry on each call.
pub async fn all(work: &mut UnitOfWork) -> Result<Vec<ApiKeyRow>, StoreError> {
    let sql = concat!("/* whole: the snapshot holds every one */ ", select!("ORDER BY digest"));
    work.query(sql, []).await?.iter().map(row).collect()
}

/// Removes the keys that expired before a time.
pub async fn delete_expired(work: &mut UnitOfWork, before: Timestamp) -> Result<u64, StoreError> {
    work.execute("DELETE FROM api_key WHERE expires_at IS NOT NULL AND expires_at < $1", [before.into()]).await
}
