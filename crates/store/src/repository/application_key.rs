//! Which OAuth client belongs to which application (WSO2: key mapping). Secrets are never here: the key manager has them.

use model::{ApplicationId, ConsumerKey, KeyMappingId, TenantId, Timestamp};
use serde_json::Value;

use crate::{Row, StoreError, UnitOfWork};

/// A key mapping.
#[derive(Clone, Debug)]
pub struct ApplicationKeyRow {
    /// Its id.
    pub id: KeyMappingId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// The application.
    pub application: ApplicationId,
    /// `PRODUCTION` or `SANDBOX`.
    pub key_type: String,
    /// Key manager name.
    pub key_manager: String,
    /// The client id.
    pub consumer_key: ConsumerKey,
    /// `CREATED` here or `MAPPED` from elsewhere.
    pub mode: String,
    /// Grant types, callback, further properties.
    pub document: Value,
}

/// Appends a condition to the common select.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, tenant, application, key_type, key_manager, consumer_key, mode, document FROM application_key ",
            $tail
        )
    };
}

fn row(row: &Row) -> Result<ApplicationKeyRow, StoreError> {
    Ok(ApplicationKeyRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        application: row.parse("application")?,
        key_type: row.text("key_type")?,
        key_manager: row.text("key_manager")?,
        consumer_key: ConsumerKey::new(row.text("consumer_key")?),
        mode: row.text("mode")?,
        document: row.json("document")?,
    })
}

/// Adds a mapping.
///
/// # Errors
/// [`StoreError::Conflict`] when the application has keys of the type from the key manager, or the client belongs to
/// another application.
pub async fn insert(work: &mut UnitOfWork, key: &ApplicationKeyRow, now: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO application_key (id, tenant, application, key_type, key_manager, consumer_key, mode, document, \
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            key.id.into(),
            key.tenant.into(),
            key.application.into(),
            key.key_type.as_str().into(),
            key.key_manager.as_str().into(),
            (&key.consumer_key).into(),
            key.mode.as_str().into(),
            key.document.to_string().into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Replaces the document; whether it was there.
pub async fn update(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: KeyMappingId,
    document: &Value,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE application_key SET document = $3 WHERE tenant = $1 AND id = $2",
            [tenant.into(), id.into(), document.to_string().into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a mapping; whether it was there.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: KeyMappingId) -> Result<bool, StoreError> {
    let changed =
        work.execute("DELETE FROM application_key WHERE tenant = $1 AND id = $2", [tenant.into(), id.into()]).await?;
    Ok(changed > 0)
}

/// A mapping of an application by id.
pub async fn find(
    work: &mut UnitOfWork,
    tenant: TenantId,
    application: ApplicationId,
    id: KeyMappingId,
) -> Result<Option<ApplicationKeyRow>, StoreError> {
    work.find(
        select!("WHERE tenant = $1 AND application = $2 AND id = $3"),
        [tenant.into(), application.into(), id.into()],
    )
    .await?
    .as_ref()
    .map(row)
    .transpose()
}

/// The mapping of a client id, whichever tenant it is of: client ids are unique.
pub async fn find_by_consumer_key(
    work: &mut UnitOfWork,
    key: &ConsumerKey,
) -> Result<Option<ApplicationKeyRow>, StoreError> {
    work.find(select!("WHERE consumer_key = $1"), [key.into()]).await?.as_ref().map(row).transpose()
}

/// The mappings of an application in order of creation.
pub async fn of_application(
    work: &mut UnitOfWork,
    tenant: TenantId,
    application: ApplicationId,
) -> Result<Vec<ApplicationKeyRow>, StoreError> {
    work.query(
        select!("WHERE tenant = $1 AND application = $2 ORDER BY created_at, key_type LIMIT 1000"),
        [tenant.into(), application.into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// How many mappings of a tenant a key manager has.
pub async fn count_of_key_manager(
    work: &mut UnitOfWork,
    tenant: TenantId,
    key_manager: &str,
) -> Result<i64, StoreError> {
    let found = work
        .find(
            "SELECT COUNT(*) AS n FROM application_key WHERE tenant = $1 AND key_manager = $2",
            [tenant.into(), key_manager.into()],
        )
        .await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// The mappings of all tenants, for the snapshot.
pub async fn all(work: &mut UnitOfWork) -> Result<Vec<ApplicationKeyRow>, StoreError> {
    let sql = concat!("/* whole: the snapshot holds every one */ ", select!("ORDER BY tenant, consumer_key"));
    work.query(sql, []).await?.iter().map(row).collect()
}
