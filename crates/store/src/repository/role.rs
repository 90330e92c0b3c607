//! Roles and who has them. SCIM calls them groups.

use std::collections::BTreeSet;

use model::{TenantId, Timestamp, UserId};

use super::user::name_key;
use crate::{Row, StoreError, UnitOfWork};

/// A role as stored.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// Its id, a UUID in text form.
    pub id: String,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name, as in `Internal/publisher`.
    pub name: String,
    /// Whether it belongs to the product and can be neither renamed nor deleted.
    pub built_in: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A user who has a role.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// The user.
    pub id: UserId,
    /// The user's name.
    pub name: String,
}

fn role(row: &Row) -> Result<RoleRow, StoreError> {
    Ok(RoleRow {
        id: row.text("id")?,
        tenant: row.tenant("tenant_id")?,
        name: row.text("name")?,
        built_in: row.flag("built_in")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}

/// Adds a role.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant has a role of this name, whatever the case.
pub async fn insert(work: &mut UnitOfWork, new: &RoleRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO role (id, tenant_id, name, name_key, built_in, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (&new.id).into(),
            new.tenant.into(),
            (&new.name).into(),
            name_key(&new.name).into(),
            new.built_in.into(),
            new.created_at.into(),
            new.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A role by name, whatever the case.
pub async fn by_name(work: &mut UnitOfWork, tenant: TenantId, name: &str) -> Result<Option<RoleRow>, StoreError> {
    work.find("SELECT * FROM role WHERE tenant_id = $1 AND name_key = $2", [tenant.into(), name_key(name).into()])
        .await?
        .as_ref()
        .map(role)
        .transpose()
}

/// A role by id.
pub async fn by_id(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<Option<RoleRow>, StoreError> {
    work.find("SELECT * FROM role WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()])
        .await?
        .as_ref()
        .map(role)
        .transpose()
}

/// All roles of a tenant in the order of their names; at most 10,000.
pub async fn list(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<RoleRow>, StoreError> {
    work.query("SELECT * FROM role WHERE tenant_id = $1 ORDER BY name_key LIMIT 10000", [tenant.into()])
        .await?
        .iter()
        .map(role)
        .collect()
}

/// How many roles the tenant has.
pub async fn count(work: &mut UnitOfWork, tenant: TenantId) -> Result<i64, StoreError> {
    let row = work.find("SELECT COUNT(*) AS n FROM role WHERE tenant_id = $1", [tenant.into()]).await?;
    row.map_or(Ok(0), |r| r.int("n"))
}

/// Renames a role.
///
/// # Errors
/// [`StoreError::Conflict`] when the name is taken.
pub async fn rename(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: &str,
    name: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE role SET name = $3, name_key = $4, updated_at = $5 WHERE tenant_id = $1 AND id = $2 AND built_in = 0",
            [tenant.into(), id.into(), name.into(), name_key(name).into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes a role that is not built in; `false` when there is none.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<bool, StoreError> {
    let changed = work
        .execute("DELETE FROM role WHERE tenant_id = $1 AND id = $2 AND built_in = 0", [tenant.into(), id.into()])
        .await?;
    Ok(changed > 0)
}

/// Gives a role to a user, both of the tenant; `false` when the user has it already or either is of another tenant.
pub async fn add_member(
    work: &mut UnitOfWork,
    tenant: TenantId,
    role_id: &str,
    user: UserId,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "INSERT INTO role_member (role_id, user_id) \
             SELECT r.id, u.id FROM role r, user_account u \
             WHERE r.tenant_id = $1 AND r.id = $2 AND u.tenant_id = $1 AND u.id = $3 \
             ON CONFLICT (role_id, user_id) DO NOTHING",
            [tenant.into(), role_id.into(), user.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Takes a role from a user; `false` when the user does not have it.
pub async fn remove_member(
    work: &mut UnitOfWork,
    tenant: TenantId,
    role_id: &str,
    user: UserId,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "DELETE FROM role_member WHERE user_id = $3 \
             AND role_id IN (SELECT id FROM role WHERE tenant_id = $1 AND id = $2)",
            [tenant.into(), role_id.into(), user.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Who has a role, in the order of their names; at most `limit`.
pub async fn members(
    work: &mut UnitOfWork,
    tenant: TenantId,
    role_id: &str,
    limit: i64,
) -> Result<Vec<MemberRow>, StoreError> {
    let rows = work
        .query(
            "SELECT u.id, u.name FROM role_member m JOIN user_account u ON u.id = m.user_id \
             WHERE u.tenant_id = $1 AND m.role_id = $2 ORDER BY u.name_key LIMIT $3",
            [tenant.into(), role_id.into(), limit.into()],
        )
        .await?;
    rows.iter().map(|row| Ok(MemberRow { id: row.parse("id")?, name: row.text("name")? })).collect()
}

/// The roles of a user, with their ids, in the order of their names; at most 1000.
pub async fn of_user(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<Vec<RoleRow>, StoreError> {
    work.query(
        "SELECT r.* FROM role_member m JOIN role r ON r.id = m.role_id \
         WHERE r.tenant_id = $1 AND m.user_id = $2 ORDER BY r.name_key LIMIT 1000",
        [tenant.into(), user.into()],
    )
    .await?
    .iter()
    .map(role)
    .collect()
}

/// The names of a user's roles.
pub async fn names_of_user(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
) -> Result<BTreeSet<String>, StoreError> {
    Ok(of_user(work, tenant, user).await?.into_iter().map(|r| r.name).collect())
}

/// How many users other than `except` have a role, are not locked by an administrator, and are not gone from the
/// directory that kept them.
pub async fn count_active_members(
    work: &mut UnitOfWork,
    tenant: TenantId,
    role_name: &str,
    except: Option<UserId>,
) -> Result<i64, StoreError> {
    let except = except.map_or_else(String::new, |id| id.to_string());
    let row = work
        .find(
            "SELECT COUNT(*) AS n FROM role_member m JOIN role r ON r.id = m.role_id \
             JOIN user_account u ON u.id = m.user_id \
             WHERE r.tenant_id = $1 AND r.name_key = $2 AND u.locked = 0 AND u.id <> $3 \
             AND NOT EXISTS (SELECT 1 FROM directory_account d WHERE d.user_id = u.id AND d.gone = 1)",
            [tenant.into(), name_key(role_name).into(), except.into()],
        )
        .await?;
    row.map_or(Ok(0), |r| r.int("n"))
}
