//! Authenticator apps of users, and the recovery codes for when one is lost.

use model::{TenantId, Timestamp, UserId};

use crate::{Row, StoreError, UnitOfWork};

/// An authenticator. `secret` is sealed.
#[derive(Clone)]
pub struct SecondFactorRow {
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The shared secret, sealed by the vault's keyring.
    pub secret: String,
    /// When its first code was entered.
    pub confirmed_at: Timestamp,
    /// The last time step whose code was used.
    pub last_step: i64,
    /// Wrong codes after a right password, since the last right one or lock.
    pub failed_attempts: i64,
    /// How often that led to a lock since the last right code.
    pub lock_count: i64,
    /// Codes are refused until then.
    pub locked_until: Option<Timestamp>,
}

fn factor(row: &Row) -> Result<SecondFactorRow, StoreError> {
    Ok(SecondFactorRow {
        tenant: row.tenant("tenant_id")?,
        user: row.parse("user_id")?,
        secret: row.text("secret")?,
        confirmed_at: row.timestamp("confirmed_at")?,
        last_step: row.int("last_step")?,
        failed_attempts: row.int("failed_attempts")?,
        lock_count: row.int("lock_count")?,
        locked_until: row.opt_timestamp("locked_until")?,
    })
}

/// A user's authenticator.
pub async fn find(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<SecondFactorRow>, StoreError> {
    work.find("SELECT * FROM second_factor WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()])
        .await?
        .as_ref()
        .map(factor)
        .transpose()
}

/// Takes a user's authenticator for this transaction and reads it: attempts that come together are judged one by one.
pub async fn hold(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<SecondFactorRow>, StoreError> {
    work.execute(
        "UPDATE second_factor SET last_step = last_step WHERE tenant_id = $1 AND user_id = $2",
        [tenant.into(), user.into()],
    )
    .await?;
    find(work, tenant, user).await
}

/// Adds an authenticator whose code of a time step was just entered; `false` when the user has one already.
pub async fn insert(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    secret: &str,
    (step, now): (i64, Timestamp),
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "INSERT INTO second_factor (tenant_id, user_id, secret, confirmed_at, last_step, failed_attempts, lock_count, \
             locked_until) VALUES ($1, $2, $3, $4, $5, 0, 0, NULL) ON CONFLICT (tenant_id, user_id) DO NOTHING",
            [tenant.into(), user.into(), secret.into(), now.into(), step.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Uses the code of a time step up and forgets failures; `false` when it, or a later one, was used before, and while
/// codes are refused: the lock may be younger than the look at the code.
pub async fn use_step(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    step: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE second_factor SET last_step = $3, failed_attempts = 0, lock_count = 0, locked_until = NULL \
             WHERE tenant_id = $1 AND user_id = $2 AND last_step < $3 AND (locked_until IS NULL OR locked_until <= $4)",
            [tenant.into(), user.into(), step.into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// Counts a wrong code after a right password; returns the number since the last right one or lock.
pub async fn count_failure(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<i64, StoreError> {
    work.execute(
        "UPDATE second_factor SET failed_attempts = failed_attempts + 1 WHERE tenant_id = $1 AND user_id = $2",
        [tenant.into(), user.into()],
    )
    .await?;
    Ok(find(work, tenant, user).await?.map_or(0, |row| row.failed_attempts))
}

/// Refuses codes until a time.
pub async fn lock_until(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    until: Timestamp,
) -> Result<(), StoreError> {
    work.execute(
        "UPDATE second_factor SET locked_until = $3, failed_attempts = 0, lock_count = lock_count + 1 \
         WHERE tenant_id = $1 AND user_id = $2",
        [tenant.into(), user.into(), until.into()],
    )
    .await?;
    Ok(())
}

/// Removes a user's authenticator and recovery codes; `false` when there was none.
pub async fn remove(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<bool, StoreError> {
    work.execute("DELETE FROM recovery_code WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()])
        .await?;
    let removed = work
        .execute("DELETE FROM second_factor WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()])
        .await?;
    Ok(removed > 0)
}

/// Replaces the recovery codes of a user; only their hashes are kept.
pub async fn replace_codes(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), StoreError> {
    work.execute("DELETE FROM recovery_code WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()])
        .await?;
    for hash in hashes {
        work.execute(
            "INSERT INTO recovery_code (tenant_id, user_id, hash, used_at) VALUES ($1, $2, $3, NULL)",
            [tenant.into(), user.into(), hash.as_slice().into()],
        )
        .await?;
    }
    Ok(())
}

/// Whether a recovery code is right and unused.
pub async fn is_code(work: &mut UnitOfWork, tenant: TenantId, user: UserId, hash: &[u8]) -> Result<bool, StoreError> {
    let row = work
        .find(
            "SELECT user_id FROM recovery_code WHERE tenant_id = $1 AND user_id = $2 AND hash = $3 AND used_at IS NULL",
            [tenant.into(), user.into(), hash.into()],
        )
        .await?;
    Ok(row.is_some())
}

/// Uses a recovery code up; `false` when it is wrong or was used.
pub async fn use_code(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
    hash: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE recovery_code SET used_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND hash = $3 \
             AND used_at IS NULL",
            [tenant.into(), user.into(), hash.into(), now.into()],
        )
        .await?;
    Ok(changed > 0)
}

/// How many unused recovery codes a user has.
pub async fn count_codes(work: &mut UnitOfWork, tenant: TenantId, user: UserId) -> Result<i64, StoreError> {
    let row = work
        .find(
            "SELECT COUNT(*) AS n FROM recovery_code WHERE tenant_id = $1 AND user_id = $2 AND used_at IS NULL",
            [tenant.into(), user.into()],
        )
        .await?;
    row.map_or(Ok(0), |r| r.int("n"))
}
