//! Clean-up of what has expired, in chunks so that no lock is held long (guideline O08).

use model::Timestamp;

use crate::{StoreError, UnitOfWork};

/// Removes up to `chunk` expired rows of each kind; returns how many rows went. Call again until it returns 0.
///
/// `epochs_before`: subject epochs older than this matter to no token that can still be valid.
pub async fn remove_expired(
    work: &mut UnitOfWork,
    now: Timestamp,
    epochs_before: Timestamp,
    chunk: i64,
) -> Result<u64, StoreError> {
    let mut removed = work
        .execute(
            "DELETE FROM revoked_token WHERE token_id IN \
             (SELECT token_id FROM revoked_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
            [now.into(), chunk.into()],
        )
        .await?;
    removed += work
        .execute(
            "DELETE FROM refresh_token WHERE hash IN \
             (SELECT hash FROM refresh_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
            [now.into(), chunk.into()],
        )
        .await?;
    removed += work
        .execute(
            "DELETE FROM client_secret WHERE id IN \
             (SELECT id FROM client_secret WHERE expires_at IS NOT NULL AND expires_at <= $1 LIMIT $2)",
            [now.into(), chunk.into()],
        )
        .await?;
    removed += work.execute("DELETE FROM subject_epoch WHERE not_before < $1", [epochs_before.into()]).await?;
    Ok(removed)
}
