//! The one-time set-up link of a new installation. Only its hash is kept.

use model::Timestamp;

use crate::{StoreError, UnitOfWork};

/// Replaces whatever link there is.
pub async fn replace(work: &mut UnitOfWork, hash: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO setup_link (id, hash, expires_at, used_at) VALUES (1, $1, $2, NULL) \
         ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at, used_at = NULL",
        [hash.into(), expires_at.into()],
    )
    .await?;
    Ok(())
}

/// Whether this is the link, unused and not expired.
pub async fn is_valid(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let row = work
        .find(
            "SELECT id FROM setup_link WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
            [hash.into(), now.into()],
        )
        .await?;
    Ok(row.is_some())
}

/// Uses the link up; `false` when it is another one, was used, has expired, or somebody was faster.
pub async fn consume(work: &mut UnitOfWork, hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let rows = work
        .execute(
            "UPDATE setup_link SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
            [hash.into(), now.into()],
        )
        .await?;
    Ok(rows > 0)
}

/// Whether an unused link is waiting.
pub async fn is_waiting(work: &mut UnitOfWork, now: Timestamp) -> Result<bool, StoreError> {
    let row = work.find("SELECT id FROM setup_link WHERE used_at IS NULL AND expires_at > $1", [now.into()]).await?;
    Ok(row.is_some())
}
