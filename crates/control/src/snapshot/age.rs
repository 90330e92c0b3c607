//! How old a snapshot is: how many changes it lacks, and when the last one that it has was made.

use model::Timestamp;
use store::repository::change;

use crate::{Control, ControlError};

/// A snapshot beside the changes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotAge {
    /// The number of the last change there is.
    pub latest: u64,
    /// How many changes the snapshot lacks.
    pub behind: u64,
    /// When the last change that it has was made; `None` when it has none.
    pub changed_at: Option<Timestamp>,
}

impl Control {
    /// How old the snapshot of a version is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn snapshot_age(&self, version: u64) -> Result<SnapshotAge, ControlError> {
        let mut work = self.read().await?;
        let latest = u64::try_from(change::latest(&mut work).await?).unwrap_or(0);
        let changed_at = change::made_at(&mut work, i64::try_from(version).unwrap_or(i64::MAX)).await?;
        work.cancel().await?;
        Ok(SnapshotAge { latest, behind: latest.saturating_sub(version), changed_at })
    }
}
