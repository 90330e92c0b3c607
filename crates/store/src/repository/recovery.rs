//! Links that let their holder choose a new password. Only hashes are kept, one link to an account.

use model::{TenantId, Timestamp, UserId};

use crate::{StoreError, UnitOfWork};

/// A link that works.
#[derive(Clone, Debug)]
pub struct RecoveryRow {
    /// The tenant of the account.
    pub tenant: TenantId,
    /// The account.
    pub user: UserId,
    /// The mail address it was sent to.
    pub channel: String,
    /// Where its user goes on to afterwards; may be empty.
    pub callback: String,
}

/// Stores a link in place of the account's older one; `false` when that one was made after `not_since`.
pub async fn replace(
    work: &mut UnitOfWork,
    new: &RecoveryRow,
    hash: &[u8],
    (now, expires_at): (Timestamp, Timestamp),
    not_since: Timestamp,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "INSERT INTO recovery_token (tenant_id, user_id, hash, channel, callback, created_at, expires_at, used_at) \
             VALUES ($1, $2, $3, $4, $8, $5, $6, NULL) ON CONFLICT (tenant_id, user_id) DO UPDATE SET \
             hash = excluded.hash, channel = excluded.channel, callback = excluded.callback, created_at = excluded.created_at, \
             expires_at = excluded.expires_at, used_at = NULL WHERE recovery_token.created_at <= $7",
            [
                new.tenant.into(),
                new.user.into(),
                hash.into(),
                (&new.channel).into(),
                now.into(),
                expires_at.into(),
                not_since.into(),
                (&new.callback).into(),
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// The account of a link that is unused and not expired.
pub async fn find(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<Option<RecoveryRow>, StoreError> {
    let row = work
        .find(
            "SELECT * FROM recovery_token WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
            [hash.into(), now.into()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(RecoveryRow {
        tenant: row.tenant("tenant_id")?,
        user: row.parse("user_id")?,
        channel: row.text("channel")?,
        callback: row.text("callback")?,
    }))
}

/// Uses a link up; `false` when it is wrong, was used, has expired, or somebody was faster.
pub async fn consume(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE recovery_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
            [hash.into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes the link of an account.
pub async fn remove_of_user(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<(), StoreError> {
    work.execute("DELETE FROM recovery_token WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()])
        .await?;
    Ok(())
}
