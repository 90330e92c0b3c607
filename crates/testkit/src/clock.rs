//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::{Clock, Timestamp};

/// A clock that tests set and advance.
#[derive(Debug)]
pub struct MockClock {
    millis: AtomicI64,
}

impl MockClock {
    /// Stands at the given time.
    pub fn at(now: Timestamp) -> Self {
        Self { millis: AtomicI64::new(now.millis()) }
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// Jumps to a time, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.millis.store(now.millis(), Ordering::SeqCst);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }
}
