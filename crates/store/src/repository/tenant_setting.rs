//! Settings of a tenant, one JSON value by name: tenant configuration, role aliases, which defaults were made.

use model::TenantId;
use serde_json::Value;

use crate::{StoreError, UnitOfWork};

/// The value of a setting.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, name: &str) -> Result<Option<Value>, StoreError> {
    work.find("SELECT value FROM tenant_setting WHERE tenant = $1 AND name = $2", [tenant.into(), name.into()])
        .await?
        .map(|row| row.json("value"))
        .transpose()
}

/// The value of a setting in every tenant that has it.
pub async fn everywhere(work: &mut UnitOfWork, name: &str) -> Result<Vec<Value>, StoreError> {
    let rows = work
        .query("SELECT value FROM tenant_setting WHERE name = $1 ORDER BY tenant LIMIT 10000", [name.into()])
        .await?;
    rows.iter().map(|row| row.json("value")).collect()
}

/// Sets a value.
pub async fn put(work: &mut UnitOfWork, tenant: TenantId, name: &str, value: &Value) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO tenant_setting (tenant, name, value) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
        [tenant.into(), name.into(), value.to_string().into()],
    )
    .await?;
    Ok(())
}

/// Sets a value that was not there; whether this call did it.
pub async fn claim(work: &mut UnitOfWork, tenant: TenantId, name: &str) -> Result<bool, StoreError> {
    let inserted = work
        .execute(
            "INSERT INTO tenant_setting (tenant, name, value) VALUES ($1, $2, 'true') ON CONFLICT DO NOTHING",
            [tenant.into(), name.into()],
        )
        .await?;
    Ok(inserted > 0)
}

/// Sets a value, or removes the setting when the value is `null`.
pub async fn put_or_remove(
    work: &mut UnitOfWork,
    tenant: TenantId,
    name: &str,
    value: &Value,
) -> Result<(), StoreError> {
    if !value.is_null() {
        return put(work, tenant, name, value).await;
    }
    work.execute("DELETE FROM tenant_setting WHERE tenant = $1 AND name = $2", [tenant.into(), name.into()]).await?;
    Ok(())
}
