//! Sign-ins under way, and addresses that failed too often.

use model::{TenantId, Timestamp, UserId};

use crate::{Row, StoreError, UnitOfWork};

/// A sign-in whose password was right. `password_hash` is a PHC string, which is not `Debug`-printed.
#[derive(Clone)]
pub struct StepRow {
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// What is missing, a word.
    pub kind: String,
    /// The hash that the password fitted: a password change ends the sign-in.
    pub password_hash: String,
    /// Where the browser wants to go, a path of ours.
    pub target: String,
    /// Codes tried.
    pub attempts: i64,
    /// When it ends.
    pub expires_at: Timestamp,
}

fn step(row: &Row) -> Result<StepRow, StoreError> {
    Ok(StepRow {
        tenant: row.tenant("tenant_id")?,
        user: row.parse("user_id")?,
        kind: row.text("kind")?,
        password_hash: row.text("password_hash")?,
        target: row.text("target")?,
        attempts: row.int("attempts")?,
        expires_at: row.timestamp("expires_at")?,
    })
}

/// Adds a sign-in under the hash of its cookie, in place of others of the user beyond the newest `keep`.
pub async fn insert_step(work: &mut UnitOfWork, hash: &[u8], new: &StepRow, keep: i64) -> Result<(), StoreError> {
    work.execute(
        "DELETE FROM sign_in_step WHERE hash IN (SELECT hash FROM sign_in_step WHERE tenant_id = $1 AND user_id = $2 \
         ORDER BY expires_at DESC LIMIT 1000 OFFSET $3)",
        [new.tenant.into(), new.user.into(), keep.into()],
    )
    .await?;
    work.execute(
        "INSERT INTO sign_in_step (hash, tenant_id, user_id, kind, password_hash, target, attempts, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            hash.into(),
            new.tenant.into(),
            new.user.into(),
            (&new.kind).into(),
            (&new.password_hash).into(),
            (&new.target).into(),
            new.attempts.into(),
            new.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The sign-in of a cookie, unless it has ended.
pub async fn find_step(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<Option<StepRow>, StoreError> {
    work.find("SELECT * FROM sign_in_step WHERE hash = $1 AND expires_at > $2", [hash.into(), now.into()])
        .await?
        .as_ref()
        .map(step)
        .transpose()
}

/// Counts a code that was tried, unless `limit` of them were: then, and when there is no such sign-in, `false`.
pub async fn try_step(work: &mut UnitOfWork, hash: &[u8], limit: i64) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE sign_in_step SET attempts = attempts + 1 WHERE hash = $1 AND attempts < $2",
            [hash.into(), limit.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Ends a sign-in; `false` when somebody was faster.
pub async fn end_step(work: &mut UnitOfWork, hash: &[u8]) -> Result<bool, StoreError> {
    Ok(work.execute("DELETE FROM sign_in_step WHERE hash = $1", [hash.into()]).await? > 0)
}

/// Ends the sign-ins of a user.
pub async fn end_steps_of_user(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<(), StoreError> {
    work.execute("DELETE FROM sign_in_step WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()])
        .await?;
    Ok(())
}

/// Remembers that a network is refused until a time.
pub async fn lock_address(work: &mut UnitOfWork, network: &str, until: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO address_lock (network, ends_at) VALUES ($1, $2) \
         ON CONFLICT (network) DO UPDATE SET ends_at = excluded.ends_at",
        [network.into(), until.into()],
    )
    .await?;
    Ok(())
}

/// The networks that are refused now, those refused longest first; at most `limit`.
pub async fn locked_addresses(
    work: &mut UnitOfWork,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(String, Timestamp)>, StoreError> {
    work.query(
        "SELECT network, ends_at FROM address_lock WHERE ends_at > $1 ORDER BY ends_at DESC LIMIT $2",
        [now.into(), limit.into()],
    )
    .await?
    .iter()
    .map(|row| Ok((row.text("network")?, row.timestamp("ends_at")?)))
    .collect()
}
