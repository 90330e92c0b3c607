//! Users of the embedded store.

use std::collections::HashSet;

use model::{TenantId, Timestamp, UserId};
use serde_json::{Map, Value};

use crate::{Row, StoreError, UnitOfWork};

/// A user as stored. `password_hash` is a PHC string of Argon2id, which is not `Debug`-printed.
#[derive(Clone)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name as first written, with the store's domain in front when it is not the primary store.
    pub name: String,
    /// PHC string.
    pub password_hash: String,
    /// Locked by an administrator.
    pub locked: bool,
    /// Locked by failed attempts until then.
    pub locked_until: Option<Timestamp>,
    /// How often failed attempts led to a lock since the last successful sign-in.
    pub lock_count: i64,
    /// Failed attempts since the last success or lock.
    pub failed_attempts: i64,
    /// SCIM attributes except name, password, groups and metadata.
    pub attributes: Map<String, Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserRow").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// How names are compared: in lower case.
pub fn name_key(name: &str) -> String {
    name.to_lowercase()
}

fn user(row: &Row) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant_id")?,
        name: row.text("name")?,
        password_hash: row.text("password_hash")?,
        locked: row.flag("locked")?,
        locked_until: row.opt_timestamp("locked_until")?,
        lock_count: row.int("lock_count")?,
        failed_attempts: row.int("failed_attempts")?,
        attributes: row.json("attributes")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}

/// Adds a user.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant has a user of this name.
pub async fn insert(work: &mut UnitOfWork, new: &UserRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO user_account (id, tenant_id, name, name_key, password_hash, locked, locked_until, lock_count, \
         failed_attempts, attributes, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            new.id.into(),
            new.tenant.into(),
            (&new.name).into(),
            name_key(&new.name).into(),
            (&new.password_hash).into(),
            new.locked.into(),
            new.locked_until.into(),
            new.lock_count.into(),
            new.failed_attempts.into(),
            Value::Object(new.attributes.clone()).to_string().into(),
            new.created_at.into(),
            new.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// A user of the tenant by name, whatever the case.
pub async fn by_name(work: &mut UnitOfWork, tenant: TenantId, name: &str) -> Result<Option<UserRow>, StoreError> {
    work.find(
        "SELECT * FROM user_account WHERE tenant_id = $1 AND name_key = $2",
        [tenant.into(), name_key(name).into()],
    )
    .await?
    .as_ref()
    .map(user)
    .transpose()
}

/// A user of the tenant by id.
pub async fn by_id(work: &mut UnitOfWork, tenant: TenantId, id: UserId) -> Result<Option<UserRow>, StoreError> {
    work.find("SELECT * FROM user_account WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()])
        .await?
        .as_ref()
        .map(user)
        .transpose()
}

/// Takes a user's row for this transaction and reads it: whoever changes, locks or removes the user meanwhile waits
/// until the transaction ends, so what is issued on the strength of the row cannot slip past such a change.
pub async fn hold(work: &mut UnitOfWork, tenant: TenantId, id: UserId) -> Result<Option<UserRow>, StoreError> {
    // An UPDATE is the row lock that both backends know.
    work.execute(
        "UPDATE user_account SET locked = locked WHERE tenant_id = $1 AND id = $2",
        [tenant.into(), id.into()],
    )
    .await?;
    by_id(work, tenant, id).await
}

/// Begins the owner of what a deleted user left. A colon cannot stand in a user name, so no later user has such a name.
const DELETED: &str = "deleted:";

/// The owner of what a deleted user left: `deleted:<user id>`.
pub fn deleted_owner(id: UserId) -> String {
    format!("{DELETED}{id}")
}

/// Owners on whose behalf nothing may happen, see [`inactive_owners`].
#[derive(Clone, Debug, Default)]
pub struct InactiveOwners {
    /// Both spellings, `alice` and `alice@example.com`, of each locked user.
    locked: HashSet<(TenantId, String)>,
}

impl InactiveOwners {
    /// Whether the owner, named with or without the tenant's domain, was locked by an administrator or deleted.
    pub fn contains(&self, tenant: TenantId, owner: &str) -> bool {
        owner.starts_with(DELETED) || self.locked.contains(&(tenant, name_key(owner)))
    }
}

/// The owners of all tenants whose applications do not count: locked by an administrator, or deleted. A lock after
/// failed attempts is none of them, or strangers could switch applications off by guessing.
pub async fn inactive_owners(work: &mut UnitOfWork) -> Result<InactiveOwners, StoreError> {
    let rows = work
        .query(
            "SELECT u.tenant_id, u.name_key, t.domain FROM user_account u JOIN tenant t ON t.id = u.tenant_id \
             WHERE u.locked = 1",
            [],
        )
        .await?;
    let mut found = InactiveOwners::default();
    for row in &rows {
        let (tenant, name) = (row.tenant("tenant_id")?, row.text("name_key")?);
        found.locked.insert((tenant, format!("{name}@{}", row.text("domain")?)));
        found.locked.insert((tenant, name));
    }
    Ok(found)
}

/// Takes a user's name off the applications it owned: whoever gets the name later does not own them. Returns how many.
pub async fn orphan_applications(work: &mut UnitOfWork, user: &UserRow, domain: &str) -> Result<u64, StoreError> {
    let full = format!("{}@{domain}", user.name);
    work.execute(
        "UPDATE application SET owner = $4 WHERE tenant = $1 AND owner IN ($2, $3)",
        [user.tenant.into(), (&user.name).into(), full.into(), deleted_owner(user.id).into()],
    )
    .await
}

/// A page of a tenant's users in the order of their names.
pub async fn list(
    work: &mut UnitOfWork,
    tenant: TenantId,
    offset: i64,
    limit: i64,
) -> Result<Vec<UserRow>, StoreError> {
    work.query(
        "SELECT * FROM user_account WHERE tenant_id = $1 ORDER BY name_key LIMIT $2 OFFSET $3",
        [tenant.into(), limit.clamp(0, 1000).into(), offset.max(0).into()],
    )
    .await?
    .iter()
    .map(user)
    .collect()
}

/// A page of the tenant's users whose names contain a text in any case, in the order of their names, and how many there
/// are in all.
pub async fn search(
    work: &mut UnitOfWork,
    tenant: TenantId,
    text: &str,
    (offset, limit): (i64, i64),
) -> Result<(Vec<UserRow>, i64), StoreError> {
    let pattern = crate::row::containing(text);
    let counted = work
        .find(
            "SELECT COUNT(*) AS n FROM user_account WHERE tenant_id = $1 AND name_key LIKE $2 ESCAPE '\\'",
            [tenant.into(), (&pattern).into()],
        )
        .await?;
    let found = work
        .query(
            "SELECT * FROM user_account WHERE tenant_id = $1 AND name_key LIKE $2 ESCAPE '\\' \
             ORDER BY name_key LIMIT $3 OFFSET $4",
            [tenant.into(), pattern.into(), limit.clamp(0, 1000).into(), offset.max(0).into()],
        )
        .await?;
    Ok((found.iter().map(user).collect::<Result<_, _>>()?, counted.map_or(Ok(0), |r| r.int("n"))?))
}

/// How many users the tenant has.
pub async fn count(work: &mut UnitOfWork, tenant: TenantId) -> Result<i64, StoreError> {
    let row = work.find("SELECT COUNT(*) AS n FROM user_account WHERE tenant_id = $1", [tenant.into()]).await?;
    row.map_or(Ok(0), |r| r.int("n"))
}

/// How many users of a tenant have names that start with a store's domain.
pub async fn count_in_store(work: &mut UnitOfWork, tenant: TenantId, store: &str) -> Result<i64, StoreError> {
    let prefix = format!("{}/", store.to_lowercase());
    let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
    let row = work
        .find(
            "SELECT COUNT(*) AS n FROM user_account WHERE tenant_id = $1 AND substr(name_key, 1, CAST($3 AS INTEGER)) = $2",
            [tenant.into(), prefix.into(), length.into()],
        )
        .await?;
    row.map_or(Ok(0), |r| r.int("n"))
}

/// How many users of any tenant have names that end with `@` and the domain: a tenant of that domain would take their
/// sign-in names over.
pub async fn count_with_domain(work: &mut UnitOfWork, domain: &str) -> Result<i64, StoreError> {
    let escaped = domain.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let row = work
        .find(
            "/* whole: a tenant is made rarely, and no index knows the ends of names */ \
             SELECT COUNT(*) AS n FROM user_account WHERE name_key LIKE $1 ESCAPE '\\'",
            [format!("%@{escaped}").into()],
        )
        .await?;
    row.map_or(Ok(0), |r| r.int("n"))
}

/// Stores a new password hash and forgets failed attempts.
pub async fn set_password(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: UserId,
    hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE user_account SET password_hash = $3, failed_attempts = 0, lock_count = 0, locked_until = NULL, \
             updated_at = $4 WHERE tenant_id = $1 AND id = $2",
            [tenant.into(), id.into(), hash.into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Stores the SCIM attributes.
pub async fn set_attributes(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: UserId,
    attributes: &Map<String, Value>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = Value::Object(attributes.clone()).to_string();
    let changed = work
        .execute(
            "UPDATE user_account SET attributes = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2",
            [tenant.into(), id.into(), text.into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Locks or unlocks; unlocking forgets failed attempts too.
pub async fn set_locked(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: UserId,
    locked: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE user_account SET locked = $3, failed_attempts = 0, lock_count = 0, locked_until = NULL, \
             updated_at = $4 WHERE tenant_id = $1 AND id = $2",
            [tenant.into(), id.into(), locked.into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Counts one failed attempt; returns the number since the last success or lock.
pub async fn count_failure(work: &mut UnitOfWork, tenant: TenantId, id: UserId) -> Result<i64, StoreError> {
    work.execute(
        "UPDATE user_account SET failed_attempts = failed_attempts + 1 WHERE tenant_id = $1 AND id = $2",
        [tenant.into(), id.into()],
    )
    .await?;
    let row = work
        .find("SELECT failed_attempts FROM user_account WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()])
        .await?;
    row.map_or(Ok(0), |r| r.int("failed_attempts"))
}

/// Locks until a time because of failed attempts.
pub async fn lock_until(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: UserId,
    until: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "UPDATE user_account SET locked_until = $3, failed_attempts = 0, lock_count = lock_count + 1 \
         WHERE tenant_id = $1 AND id = $2",
        [tenant.into(), id.into(), until.into()],
    )
    .await?;
    Ok(())
}

/// Forgets failed attempts after a success.
pub async fn clear_failures(work: &mut UnitOfWork, tenant: TenantId, id: UserId) -> Result<(), StoreError> {
    work.execute(
        "UPDATE user_account SET failed_attempts = 0, lock_count = 0, locked_until = NULL \
         WHERE tenant_id = $1 AND id = $2",
        [tenant.into(), id.into()],
    )
    .await?;
    Ok(())
}

/// Removes a user with its memberships and refresh tokens; `false` when there is none.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: UserId) -> Result<bool, StoreError> {
    let changed =
        work.execute("DELETE FROM user_account WHERE tenant_id = $1 AND id = $2", [tenant.into(), id.into()]).await?;
    Ok(changed > 0)
}
