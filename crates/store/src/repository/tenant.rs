//! Tenants, their user stores, and the roles that their scopes are bound to.

use std::collections::BTreeMap;

use model::{Tenant, TenantDomain, TenantId, Timestamp};

use crate::{Row, StoreError, UnitOfWork};

/// Most tenants that one listing returns.
pub const MAX_LISTED: i64 = 10_000;

/// A tenant with what is kept about it.
#[derive(Clone, Debug)]
pub struct TenantRow {
    /// The tenant.
    pub tenant: Tenant,
    /// Its first administrator as JSON: name, mail address and so on; never a password.
    pub owner: serde_json::Value,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A user store of a tenant besides the primary one. Users and roles in it have names like `EXAMPLE.COM/alice`.
#[derive(Clone, Debug)]
pub struct UserStoreRow {
    /// Its domain, upper case.
    pub name: String,
    /// WSO2's type id, as the client sent it.
    pub type_id: String,
    /// Free text.
    pub description: String,
}

/// Who may have a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeBindingRow {
    /// The scope.
    pub scope: String,
    /// Whether it belongs to the management APIs; the others belong to APIs.
    pub system: bool,
    /// Roles, any of which is enough.
    pub roles: Vec<String>,
}

fn tenant(row: &Row) -> Result<TenantRow, StoreError> {
    Ok(TenantRow {
        tenant: Tenant {
            id: row.tenant("id")?,
            domain: row.parse::<TenantDomain>("domain")?,
            active: row.flag("active")?,
        },
        owner: row.json("owner")?,
        created_at: row.timestamp("created_at")?,
    })
}

/// Adds a tenant with the given number.
///
/// # Errors
/// [`StoreError::Conflict`] when the domain or number is taken.
pub async fn insert(work: &mut UnitOfWork, new: &TenantRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO tenant (id, domain, active, owner, created_at) VALUES ($1, $2, $3, $4, $5)",
        [
            new.tenant.id.into(),
            new.tenant.domain.as_str().into(),
            new.tenant.active.into(),
            new.owner.to_string().into(),
            new.created_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The next free tenant number.
pub async fn next_id(work: &mut UnitOfWork) -> Result<TenantId, StoreError> {
    let row = work.find("SELECT COALESCE(MAX(id), 0) AS top FROM tenant WHERE id > 0", []).await?;
    let top = row.map_or(Ok(0), |r| r.int("top"))?;
    Ok(TenantId::new(top.saturating_add(1)))
}

/// The tenant of a domain.
pub async fn by_domain(work: &mut UnitOfWork, domain: &str) -> Result<Option<TenantRow>, StoreError> {
    let key = domain.to_ascii_lowercase();
    work.find("SELECT * FROM tenant WHERE domain = $1", [key.into()]).await?.as_ref().map(tenant).transpose()
}

/// The tenant of a number.
pub async fn by_id(work: &mut UnitOfWork, id: TenantId) -> Result<Option<TenantRow>, StoreError> {
    work.find("SELECT * FROM tenant WHERE id = $1", [id.into()]).await?.as_ref().map(tenant).transpose()
}

/// All tenants, the super tenant first; at most [`MAX_LISTED`].
pub async fn list(work: &mut UnitOfWork) -> Result<Vec<TenantRow>, StoreError> {
    work.query("SELECT * FROM tenant ORDER BY id LIMIT $1", [MAX_LISTED.into()]).await?.iter().map(tenant).collect()
}

/// Makes other transactions that lock the same tenant wait until this one ends: for rules that count rows.
pub async fn lock(work: &mut UnitOfWork, id: TenantId) -> Result<(), StoreError> {
    // An UPDATE is the row lock that both backends know.
    work.execute("UPDATE tenant SET active = active WHERE id = $1", [id.into()]).await?;
    Ok(())
}

/// Switches a tenant on or off; `false` when there is none.
pub async fn set_active(work: &mut UnitOfWork, id: TenantId, active: bool) -> Result<bool, StoreError> {
    let changed = work.execute("UPDATE tenant SET active = $2 WHERE id = $1", [id.into(), active.into()]).await?;
    Ok(changed > 0)
}

/// Adds a user store; its name is kept in upper case.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant has one of this name.
pub async fn insert_store(
    work: &mut UnitOfWork,
    tenant: TenantId,
    store: &UserStoreRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO user_store (tenant_id, name, type_id, description, properties, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        [
            tenant.into(),
            store.name.to_uppercase().into(),
            (&store.type_id).into(),
            (&store.description).into(),
            // Properties describe a connection, its password included. Nothing connects, so none is kept.
            "[]".into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The user stores of a tenant besides the primary one; at most 100.
pub async fn stores(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<UserStoreRow>, StoreError> {
    let rows =
        work.query("SELECT * FROM user_store WHERE tenant_id = $1 ORDER BY name LIMIT 100", [tenant.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(UserStoreRow {
                name: row.text("name")?,
                type_id: row.text("type_id")?,
                description: row.text("description")?,
            })
        })
        .collect()
}

/// Removes the properties of user stores that an earlier version kept in clear, passwords of directories among them.
pub async fn forget_store_properties(work: &mut UnitOfWork) -> Result<u64, StoreError> {
    work.execute("UPDATE user_store SET properties = '[]' WHERE properties <> '[]'", []).await
}

/// Removes a user store that holds no users; `false` when there is none.
pub async fn delete_store(work: &mut UnitOfWork, tenant: TenantId, name: &str) -> Result<bool, StoreError> {
    let name = name.to_uppercase();
    let changed =
        work.execute("DELETE FROM user_store WHERE tenant_id = $1 AND name = $2", [tenant.into(), name.into()]).await?;
    Ok(changed > 0)
}

/// Binds a scope to roles, replacing an earlier binding.
pub async fn bind_scope(work: &mut UnitOfWork, tenant: TenantId, binding: &ScopeBindingRow) -> Result<(), StoreError> {
    let origin = if binding.system { "system" } else { "api" };
    let roles = serde_json::Value::from(binding.roles.clone()).to_string();
    work.execute(
        "INSERT INTO scope_binding (tenant_id, scope, origin, roles) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant_id, scope) DO UPDATE SET origin = excluded.origin, roles = excluded.roles",
        [tenant.into(), (&binding.scope).into(), origin.into(), roles.into()],
    )
    .await?;
    Ok(())
}

/// Binds a system scope to roles unless it is bound already.
pub async fn add_system_scope(
    work: &mut UnitOfWork,
    tenant: TenantId,
    scope: &str,
    roles: &[&str],
) -> Result<(), StoreError> {
    let roles = serde_json::Value::from(roles.to_vec()).to_string();
    work.execute(
        "INSERT INTO scope_binding (tenant_id, scope, origin, roles) VALUES ($1, $2, 'system', $3) \
         ON CONFLICT (tenant_id, scope) DO NOTHING",
        [tenant.into(), scope.into(), roles.into()],
    )
    .await?;
    Ok(())
}

/// Removes the binding of a scope that an API defined; system scopes stay.
pub async fn unbind_scope(work: &mut UnitOfWork, tenant: TenantId, scope: &str) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "DELETE FROM scope_binding WHERE tenant_id = $1 AND scope = $2 AND origin = 'api'",
            [tenant.into(), scope.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// All bindings of a tenant by scope.
pub async fn scope_bindings(
    work: &mut UnitOfWork,
    tenant: TenantId,
) -> Result<BTreeMap<String, ScopeBindingRow>, StoreError> {
    let rows = work.query("SELECT * FROM scope_binding WHERE tenant_id = $1 LIMIT 100000", [tenant.into()]).await?;
    rows.iter()
        .map(|row| {
            let scope = row.text("scope")?;
            let binding = ScopeBindingRow {
                scope: scope.clone(),
                system: row.text("origin")? == "system",
                roles: row.json("roles")?,
            };
            Ok((scope, binding))
        })
        .collect()
}
