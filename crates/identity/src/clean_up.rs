//! Removal of what has expired: off the request path, in transactions that hold their locks for a bounded time
//! (guideline O08; WSO2: `[session_data.cleanup]`).

use std::time::Duration;

use model::Timestamp;
use store::repository::session::{self, EXPIRING, Expiring};
use tokio::time::Instant;

use crate::{Identity, IdentityError};

/// What one transaction may take. Chunks shrink when one takes longer and grow again when it takes less than half.
const TARGET: Duration = Duration::from_millis(50);
/// Rows of the first chunk of a kind: few, because nothing is known yet of how long a row takes.
const FIRST_CHUNK: i64 = 64;
/// The fewest rows that are worth a transaction.
const SMALLEST_CHUNK: i64 = 16;
/// Between two transactions others get a quarter of the time that the last one took, within these bounds. Who waits for
/// the same lock comes first anyway: this is for the disk.
const PAUSE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(250));

/// What a clean-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanUpReport {
    /// Rows removed.
    pub rows: u64,
    /// Transactions that removed them.
    pub transactions: u64,
    /// Longest time for which one of them held its locks.
    pub longest: Duration,
    /// Time from beginning to end, pauses included.
    pub took: Duration,
    /// Another node was cleaning up, so this one stopped.
    pub left_to_another: bool,
}

impl Identity {
    /// Removes everything that has expired. At most [`crate::IdentitySettings::cleanup_chunk`] rows go in one
    /// transaction, fewer when that takes long.
    ///
    /// # Errors
    /// [`IdentityError::Store`]; what was removed until then stays removed.
    pub async fn clean_up(&self) -> Result<CleanUpReport, IdentityError> {
        let begun = Instant::now();
        let mut report = CleanUpReport::default();
        for kind in EXPIRING {
            self.clean_up_kind(kind, &mut report).await?;
            if report.left_to_another {
                break;
            }
        }
        report.took = begun.elapsed();
        Ok(report)
    }

    async fn clean_up_kind(&self, kind: &Expiring, report: &mut CleanUpReport) -> Result<(), IdentityError> {
        let largest = i64::from(self.settings.cleanup_chunk.max(1));
        let mut chunk = FIRST_CHUNK.min(largest);
        let mut from = Timestamp::from_millis(0);
        loop {
            let before = if kind.is_epoch { self.oldest_epoch() } else { self.now() };
            let mut work = self.database.begin().await?;
            let held = Instant::now();
            if !session::take_turn(&mut work).await? {
                work.cancel().await?;
                report.left_to_another = true;
                return Ok(());
            }
            let removed = kind.remove(&mut work, (from, before), chunk).await?;
            if removed.rows == 0 {
                work.cancel().await?;
                return Ok(());
            }
            work.save().await?;
            let held = held.elapsed();
            report.rows = report.rows.saturating_add(removed.rows);
            report.transactions = report.transactions.saturating_add(1);
            report.longest = report.longest.max(held);
            tracing::trace!(table = kind.table, rows = removed.rows, ?held, "expired rows removed");
            if i64::try_from(removed.rows).unwrap_or(i64::MAX) < chunk {
                return Ok(());
            }
            from = removed.next;
            chunk = next_chunk(chunk, held, largest);
            tokio::time::sleep((held / 4).clamp(PAUSE.0, PAUSE.1)).await;
        }
    }
}

fn next_chunk(chunk: i64, held: Duration, largest: i64) -> i64 {
    if held > TARGET {
        // In proportion: after one transaction of a second, halving would take five more that are too long.
        let scaled = i128::from(chunk).saturating_mul(i128::try_from(TARGET.as_nanos()).unwrap_or(i128::MAX));
        let share = scaled / i128::try_from(held.as_nanos().max(1)).unwrap_or(i128::MAX);
        i64::try_from(share).unwrap_or(chunk).max(SMALLEST_CHUNK.min(largest))
    } else if held < TARGET / 2 {
        chunk.saturating_mul(2).min(largest)
    } else {
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::{TARGET, next_chunk};
    use std::time::Duration;

    #[test]
    fn chunks_follow_the_time_they_take() {
        assert_eq!(next_chunk(512, Duration::from_millis(1), 8192), 1024);
        assert_eq!(next_chunk(8192, Duration::from_millis(1), 8192), 8192);
        assert_eq!(next_chunk(8192, TARGET * 2, 8192), 4096);
        assert_eq!(next_chunk(8192, TARGET * 160, 8192), 51, "one long transaction is followed by a short one");
        assert_eq!(next_chunk(20, TARGET * 2, 8192), 16);
        assert_eq!(next_chunk(10, TARGET * 2, 10), 10, "never more than is configured");
        assert_eq!(next_chunk(1000, TARGET * 3 / 4, 8192), 1000);
    }
}
