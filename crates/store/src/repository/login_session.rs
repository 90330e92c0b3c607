//! Sessions of browsers. The cookie's value is not kept, only its SHA-256.

use model::{TenantId, Timestamp, UserId};

use crate::{Row, StoreError, UnitOfWork};

/// A session as stored.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its name in lists; not a secret.
    pub id: String,
    /// The tenant of its user.
    pub tenant: TenantId,
    /// Its user.
    pub user: UserId,
    /// How identity was proved, as words with a blank between.
    pub factors: String,
    /// When.
    pub authenticated_at: Timestamp,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends unless it is used before.
    pub ends_at: Timestamp,
    /// Network address of the browser at sign-in.
    pub address: String,
    /// What the browser called itself at sign-in.
    pub agent: String,
}

fn session(row: &Row) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        id: row.text("id")?,
        tenant: row.tenant("tenant_id")?,
        user: row.parse("user_id")?,
        factors: row.text("factors")?,
        authenticated_at: row.timestamp("authenticated_at")?,
        created_at: row.timestamp("created_at")?,
        seen_at: row.timestamp("seen_at")?,
        ends_at: row.timestamp("ends_at")?,
        address: row.text("address")?,
        agent: row.text("agent")?,
    })
}

/// Adds a session under the hash of its cookie.
pub async fn insert(work: &mut UnitOfWork, hash: &[u8], new: &SessionRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO login_session (hash, id, tenant_id, user_id, factors, authenticated_at, created_at, seen_at, \
         ends_at, address, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [
            hash.into(),
            (&new.id).into(),
            new.tenant.into(),
            new.user.into(),
            (&new.factors).into(),
            new.authenticated_at.into(),
            new.created_at.into(),
            new.seen_at.into(),
            new.ends_at.into(),
            (&new.address).into(),
            (&new.agent).into(),
        ],
    )
    .await?;
    Ok(())
}

/// The session of a cookie, unless it has ended.
pub async fn find(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
    work.find("SELECT * FROM login_session WHERE hash = $1 AND ends_at > $2", [hash.into(), now.into()])
        .await?
        .as_ref()
        .map(session)
        .transpose()
}

/// Remembers that a session was used, and when it ends now.
pub async fn touch(work: &mut UnitOfWork, hash: &[u8], now: Timestamp, ends_at: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "UPDATE login_session SET seen_at = $2, ends_at = $3 WHERE hash = $1",
        [hash.into(), now.into(), ends_at.into()],
    )
    .await?;
    Ok(())
}

/// The sessions of a user that have not ended, the newest first; at most `limit`.
pub async fn of_user(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<SessionRow>, StoreError> {
    work.query(
        "SELECT * FROM login_session WHERE tenant_id = $1 AND user_id = $2 AND ends_at > $3 \
         ORDER BY created_at DESC, id LIMIT $4",
        [tenant.into(), user.into(), now.into(), limit.into()],
    )
    .await?
    .iter()
    .map(session)
    .collect()
}

/// The sessions of a tenant that have not ended, the last used first: a page of them.
pub async fn of_tenant(
    work: &mut UnitOfWork,
    tenant: TenantId,
    now: Timestamp,
    (offset, limit): (i64, i64),
) -> Result<Vec<SessionRow>, StoreError> {
    work.query(
        "SELECT * FROM login_session WHERE tenant_id = $1 AND ends_at > $2 ORDER BY seen_at DESC, id \
         LIMIT $3 OFFSET $4",
        [tenant.into(), now.into(), limit.clamp(0, 1000).into(), offset.max(0).into()],
    )
    .await?
    .iter()
    .map(session)
    .collect()
}

/// How many sessions of a tenant have not ended.
pub async fn count(work: &mut UnitOfWork, tenant: TenantId, now: Timestamp) -> Result<i64, StoreError> {
    let row = work
        .find(
            "SELECT COUNT(*) AS n FROM login_session WHERE tenant_id = $1 AND ends_at > $2",
            [tenant.into(), now.into()],
        )
        .await?;
    row.map_or(Ok(0), |r| r.int("n"))
}

/// Ends the session of a cookie.
pub async fn end(work: &mut UnitOfWork, hash: &[u8]) -> Result<bool, StoreError> {
    Ok(work.execute("DELETE FROM login_session WHERE hash = $1", [hash.into()]).await? > 0)
}

/// Ends one session of a user by its public id; `false` when the user has no such session.
pub async fn end_by_id(work: &mut UnitOfWork, tenant: TenantId, user: UserId, id: &str) -> Result<bool, StoreError> {
    let ended = work
        .execute(
            "DELETE FROM login_session WHERE tenant_id = $1 AND user_id = $2 AND id = $3",
            [tenant.into(), user.into(), id.into()],
        )
        .await?;
    Ok(ended > 0)
}

/// Ends the sessions of a user, all or all but the one of this public id; returns how many.
pub async fn end_of_user(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    except: Option<&str>,
) -> Result<u64, StoreError> {
    work.execute(
        "DELETE FROM login_session WHERE tenant_id = $1 AND user_id = $2 AND id <> $3",
        [tenant.into(), user.into(), except.unwrap_or_default().into()],
    )
    .await
}

/// Ends the oldest sessions of a user so that at most `keep` stay.
pub async fn trim(work: &mut UnitOfWork, tenant: TenantId, user: UserId, keep: i64) -> Result<(), StoreError> {
    work.execute(
        "DELETE FROM login_session WHERE id IN (SELECT id FROM login_session WHERE tenant_id = $1 AND user_id = $2 \
         ORDER BY created_at DESC, id LIMIT 1000 OFFSET $3)",
        [tenant.into(), user.into(), keep.into()],
    )
    .await?;
    Ok(())
}
