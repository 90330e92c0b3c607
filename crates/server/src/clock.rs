//! The machine's clock: the one place where wall time is read.

use std::time::{SystemTime, UNIX_EPOCH};

use model::{Clock, Timestamp};

/// The system clock. Times before 1970 become 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the composition root's clock is where wall time enters")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
