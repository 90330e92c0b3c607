//! Applications of consumers, and who has been a consumer.

use model::{ApplicationId, TenantId, Timestamp};
use serde_json::Value;

use super::workflow;
use crate::row::containing;
use crate::{Row, StoreError, UnitOfWork};

/// An application.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// Its id.
    pub id: ApplicationId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Owner as WSO2 reports it: `alice`, or `alice@example.com` outside the super tenant.
    pub owner: String,
    /// Unique for the owner.
    pub name: String,
    /// Application-level policy name.
    pub policy: String,
    /// Description.
    pub description: String,
    /// `JWT` or `OAUTH`.
    pub token_type: String,
    /// `APPROVED`, `CREATED` or `REJECTED`.
    pub status: String,
    /// `PRIVATE` or `SHARED_WITH_ORG`.
    pub visibility: String,
    /// Groups it is shared with.
    pub groups: Vec<String>,
    /// Custom attributes by name.
    pub attributes: Value,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub updated: Timestamp,
}

/// Appends a condition to the common select, at compile time of the reader: statements stay literal.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, tenant, owner, name, policy, description, token_type, status, visibility, groups, \
             attributes, created_at, updated_at FROM application ",
            $tail
        )
    };
}

fn row(row: &Row) -> Result<ApplicationRow, StoreError> {
    Ok(ApplicationRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        owner: row.text("owner")?,
        name: row.text("name")?,
        policy: row.text("policy")?,
        description: row.text("description")?,
        token_type: row.text("token_type")?,
        status: row.text("status")?,
        visibility: row.text("visibility")?,
        groups: row.json("groups")?,
        attributes: row.json("attributes")?,
        created: row.timestamp("created_at")?,
        updated: row.timestamp("updated_at")?,
    })
}

/// Adds an application.
///
/// # Errors
/// [`StoreError::Conflict`] when the owner has one with the name.
pub async fn insert(work: &mut UnitOfWork, a: &ApplicationRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO application (id, tenant, owner, name, policy, description, token_type, status, visibility, \
         groups, attributes, created_at, updated_at, name_key) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        [
            a.id.into(),
            a.tenant.into(),
            a.owner.as_str().into(),
            a.name.as_str().into(),
            a.policy.as_str().into(),
            a.description.as_str().into(),
            a.token_type.as_str().into(),
            a.status.as_str().into(),
            a.visibility.as_str().into(),
            Value::from(a.groups.clone()).to_string().into(),
            a.attributes.to_string().into(),
            a.created.into(),
            a.updated.into(),
            a.name.to_lowercase().into(),
        ],
    )
    .await?;
    Ok(())
}

/// Replaces everything but id, tenant and creation time; whether it was there.
///
/// # Errors
/// [`StoreError::Conflict`] when the owner has another one with the name.
pub async fn update(work: &mut UnitOfWork, a: &ApplicationRow) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE application SET owner = $3, name = $4, policy = $5, description = $6, token_type = $7, \
             status = $8, visibility = $9, groups = $10, attributes = $11, updated_at = $12, name_key = $13 \
             WHERE tenant = $1 AND id = $2",
            [
                a.tenant.into(),
                a.id.into(),
                a.owner.as_str().into(),
                a.name.as_str().into(),
                a.policy.as_str().into(),
                a.description.as_str().into(),
                a.token_type.as_str().into(),
                a.status.as_str().into(),
                a.visibility.as_str().into(),
                Value::from(a.groups.clone()).to_string().into(),
                a.attributes.to_string().into(),
                a.updated.into(),
                a.name.to_lowercase().into(),
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes an application with its keys, subscriptions and undecided requests; whether it was there.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: ApplicationId) -> Result<bool, StoreError> {
    workflow::forget_application(work, id).await?;
    let changed =
        work.execute("DELETE FROM application WHERE tenant = $1 AND id = $2", [tenant.into(), id.into()]).await?;
    Ok(changed > 0)
}

/// An application by id.
pub async fn find(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: ApplicationId,
) -> Result<Option<ApplicationRow>, StoreError> {
    work.find(select!("WHERE tenant = $1 AND id = $2"), [tenant.into(), id.into()]).await?.as_ref().map(row).transpose()
}

/// An application by owner and name.
pub async fn find_by_name(
    work: &mut UnitOfWork,
    tenant: TenantId,
    owner: &str,
    name: &str,
) -> Result<Option<ApplicationRow>, StoreError> {
    work.find(select!("WHERE tenant = $1 AND owner = $2 AND name = $3"), [tenant.into(), owner.into(), name.into()])
        .await?
        .as_ref()
        .map(row)
        .transpose()
}

/// The applications of one owner by name, at most 10 000.
pub async fn of_owner(work: &mut UnitOfWork, tenant: TenantId, owner: &str) -> Result<Vec<ApplicationRow>, StoreError> {
    work.query(select!("WHERE tenant = $1 AND owner = $2 ORDER BY name LIMIT 10000"), [tenant.into(), owner.into()])
        .await?
        .iter()
        .map(row)
        .collect()
}

/// How many applications a tenant has, and how many of them an owner.
pub async fn count(work: &mut UnitOfWork, tenant: TenantId, owner: &str) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN owner = $2 THEN 1 ELSE 0 END), 0) AS own \
               FROM application WHERE tenant = $1";
    let found = work.find(sql, [tenant.into(), owner.into()]).await?;
    found.map_or(Ok((0, 0)), |row| Ok((row.int("n")?, row.int("own")?)))
}

/// A part of an owner's applications with a text in their name, by name, and how many there are.
pub async fn search_of_owner(
    work: &mut UnitOfWork,
    (tenant, owner): (TenantId, &str),
    name: &str,
    descending: bool,
    (limit, offset): (i64, i64),
) -> Result<(Vec<ApplicationRow>, i64), StoreError> {
    let name = containing(name);
    let sql = if descending {
        select!(
            "WHERE tenant = $1 AND owner = $2 AND name_key LIKE $3 ESCAPE '\\' ORDER BY name DESC LIMIT $4 OFFSET $5"
        )
    } else {
        select!("WHERE tenant = $1 AND owner = $2 AND name_key LIKE $3 ESCAPE '\\' ORDER BY name LIMIT $4 OFFSET $5")
    };
    let args = [tenant.into(), owner.into(), (&name).into(), limit.into(), offset.into()];
    let rows = work.query(sql, args).await?.iter().map(row).collect::<Result<_, _>>()?;
    let sql = "SELECT COUNT(*) AS n FROM application WHERE tenant = $1 AND owner = $2 AND name_key LIKE $3 ESCAPE '\\'";
    let count = work.find(sql, [tenant.into(), owner.into(), name.into()]).await?;
    Ok((rows, count.map_or(Ok(0), |row| row.int("n"))?))
}

/// A part of a tenant's applications with a text in their name, of an owner (in any case) or of all when that is empty, by
/// name and owner, and how many there are.
pub async fn search_of_tenant(
    work: &mut UnitOfWork,
    tenant: TenantId,
    (owner, name): (&str, &str),
    (limit, offset): (i64, i64),
) -> Result<(Vec<ApplicationRow>, i64), StoreError> {
    let (owner, name) = (owner.to_ascii_lowercase(), containing(name));
    let rows = work
        .query(
            select!(
                "WHERE tenant = $1 AND ($2 = '' OR lower(owner) = $2) AND name_key LIKE $3 ESCAPE '\\' \
                 ORDER BY name, owner LIMIT $4 OFFSET $5"
            ),
            [tenant.into(), (&owner).into(), (&name).into(), limit.into(), offset.into()],
        )
        .await?;
    let rows = rows.iter().map(row).collect::<Result<_, _>>()?;
    let sql = "SELECT COUNT(*) AS n FROM application WHERE tenant = $1 AND ($2 = '' OR lower(owner) = $2) \
               AND name_key LIKE $3 ESCAPE '\\'";
    let count = work.find(sql, [tenant.into(), owner.into(), name.into()]).await?;
    Ok((rows, count.map_or(Ok(0), |row| row.int("n"))?))
}

/// Applications of a tenant that are shared with groups, by name, at most 10 000.
pub async fn shared(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<ApplicationRow>, StoreError> {
    work.query(select!("WHERE tenant = $1 AND groups <> '[]' ORDER BY name LIMIT 10000"), [tenant.into()])
        .await?
        .iter()
        .map(row)
        .collect()
}

/// The applications of all tenants, for the snapshot.
pub async fn all(work: &mut UnitOfWork) -> Result<Vec<ApplicationRow>, StoreError> {
    work.query(concat!("/* whole: the snapshot holds every one */ ", select!("ORDER BY tenant, name")), [])
        .await?
        .iter()
        .map(row)
        .collect()
}

/// How many applications of a tenant use a policy.
pub async fn count_with_policy(work: &mut UnitOfWork, tenant: TenantId, policy: &str) -> Result<i64, StoreError> {
    let found = work
        .find("SELECT COUNT(*) AS n FROM application WHERE tenant = $1 AND policy = $2", [tenant.into(), policy.into()])
        .await?;
    found.map_or(Ok(0), |row| row.int("n"))
}

/// Remembers that a user has used the Developer Portal; whether this is the first time.
pub async fn remember_subscriber(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = work
        .execute(
            "INSERT INTO subscriber (tenant, user_name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            [tenant.into(), user.into(), now.into()],
        )
        .await?;
    Ok(inserted > 0)
}

/// Whether a user has ever used the Developer Portal.
pub async fn is_subscriber(work: &mut UnitOfWork, tenant: TenantId, user: &str) -> Result<bool, StoreError> {
    let found = work
        .find("SELECT 1 AS n FROM subscriber WHERE tenant = $1 AND user_name = $2", [tenant.into(), user.into()])
        .await?;
    Ok(found.is_some())
}
