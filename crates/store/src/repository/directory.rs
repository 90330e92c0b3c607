//! Accounts whose password a directory keeps: which entry of which directory they are, and the roles its groups give.

use std::collections::BTreeSet;

use model::{TenantId, Timestamp, UserId};

use crate::{Row, StoreError, UnitOfWork};

/// The directory's side of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryAccountRow {
    /// The account.
    pub user: UserId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Domain of the user store, empty for the one without.
    pub store: String,
    /// The entry's id in the directory.
    pub entry_id: String,
    /// Last successful sign-in with a password.
    pub signed_in_at: Timestamp,
    /// When the directory last confirmed the account.
    pub checked_at: Timestamp,
    /// The directory has it no more.
    pub gone: bool,
}

fn account(row: &Row) -> Result<DirectoryAccountRow, StoreError> {
    Ok(DirectoryAccountRow {
        user: row.parse("user_id")?,
        tenant: row.tenant("tenant_id")?,
        store: row.text("store")?,
        entry_id: row.text("entry_id")?,
        signed_in_at: row.timestamp("signed_in_at")?,
        checked_at: row.timestamp("checked_at")?,
        gone: row.flag("gone")?,
    })
}

/// Adds or replaces the directory's side of an account.
pub async fn save(work: &mut UnitOfWork, row: &DirectoryAccountRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO directory_account (user_id, tenant_id, store, entry_id, signed_in_at, checked_at, gone) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (user_id) DO UPDATE SET store = excluded.store, entry_id = excluded.entry_id, \
         signed_in_at = excluded.signed_in_at, checked_at = excluded.checked_at, gone = excluded.gone",
        [
            row.user.into(),
            row.tenant.into(),
            (&row.store).into(),
            (&row.entry_id).into(),
            row.signed_in_at.into(),
            row.checked_at.into(),
            row.gone.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The directory's side of an account of the tenant, if a directory keeps it.
pub async fn find(
    work: &mut UnitOfWork,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<DirectoryAccountRow>, StoreError> {
    work.find("SELECT * FROM directory_account WHERE tenant_id = $1 AND user_id = $2", [tenant.into(), user.into()])
        .await?
        .as_ref()
        .map(account)
        .transpose()
}

/// Accounts that were last confirmed before a time and may have live tokens: they signed in since `signed_in_since`, or
/// have a refresh token or a session. With their names, those that wait longest first; at most `limit`.
pub async fn due(
    work: &mut UnitOfWork,
    tenant: TenantId,
    store: &str,
    checked_before: Timestamp,
    signed_in_since: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(DirectoryAccountRow, String)>, StoreError> {
    let rows = work
        .query(
            "SELECT d.*, u.name FROM directory_account d JOIN user_account u ON u.id = d.user_id \
             WHERE d.checked_at < $3 AND d.tenant_id = $1 AND d.store = $2 AND d.gone = 0 \
             AND (d.signed_in_at >= $4 OR EXISTS \
             (SELECT 1 FROM refresh_token r WHERE r.user_id = d.user_id AND r.expires_at > $5) OR EXISTS \
             (SELECT 1 FROM login_session s WHERE s.tenant_id = d.tenant_id AND s.user_id = d.user_id \
             AND s.ends_at > $5)) \
             ORDER BY d.checked_at LIMIT $6",
            [
                tenant.into(),
                store.into(),
                checked_before.into(),
                signed_in_since.into(),
                now.into(),
                limit.clamp(1, 1000).into(),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok((account(row)?, row.text("name")?))).collect()
}

/// Notes that the directory confirmed the account, or has it no more.
pub async fn set_checked(work: &mut UnitOfWork, user: UserId, at: Timestamp, gone: bool) -> Result<(), StoreError> {
    work.execute(
        "UPDATE directory_account SET checked_at = $2, gone = $3 WHERE user_id = $1",
        [user.into(), at.into(), gone.into()],
    )
    .await?;
    Ok(())
}

/// The ids of the roles that an account has because of the directory's groups.
pub async fn role_ids(work: &mut UnitOfWork, user: UserId) -> Result<BTreeSet<String>, StoreError> {
    let rows = work.query("SELECT role_id FROM directory_role WHERE user_id = $1 LIMIT 10000", [user.into()]).await?;
    rows.iter().map(|row| row.text("role_id")).collect()
}

/// Notes that a role comes from the directory.
pub async fn add_role(work: &mut UnitOfWork, user: UserId, role_id: &str) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO directory_role (user_id, role_id) VALUES ($1, $2) ON CONFLICT (user_id, role_id) DO NOTHING",
        [user.into(), role_id.into()],
    )
    .await?;
    Ok(())
}

/// Forgets that a role came from the directory.
pub async fn remove_role(work: &mut UnitOfWork, user: UserId, role_id: &str) -> Result<(), StoreError> {
    work.execute("DELETE FROM directory_role WHERE user_id = $1 AND role_id = $2", [user.into(), role_id.into()])
        .await?;
    Ok(())
}
