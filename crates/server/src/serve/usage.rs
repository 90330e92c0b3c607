//! Usage analytics: what the gateway counted goes into the database from time to time, and old numbers are made fewer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use control::Control;
use model::{UsageKey, UsageTotals};
use tokio::sync::watch;

use super::data_plane::DataPlane;
use crate::config::UsageSection;

/// How often the counts are written: what an unclean end forgets.
const INTERVAL: Duration = Duration::from_secs(15);
/// How often old hours are added up.
const AGEING: Duration = Duration::from_hours(1);
/// Most keys that wait for a database that cannot take them.
const MOST_WAITING: usize = 200_000;

/// Carries counts from the gateway to the database.
pub(super) struct Usage {
    data_plane: Arc<DataPlane>,
    control: Arc<Control>,
    hourly_days: u32,
    daily_days: u32,
    /// Counted, and not written because the database was away.
    waiting: HashMap<UsageKey, UsageTotals>,
}

impl Usage {
    pub(super) fn new(data_plane: Arc<DataPlane>, control: Arc<Control>, section: &UsageSection) -> Self {
        let days = |days: u64| u32::try_from(days).unwrap_or(u32::MAX);
        let (hourly_days, daily_days) = (days(section.hourly_days.get()), days(section.daily_days.get()));
        Self { data_plane, control, hourly_days, daily_days, waiting: HashMap::new() }
    }

    /// Writes until the server stops. What is counted after that is written by [`Usage::flush`] when the gateway has ended.
    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>) -> Self {
        let mut aged = tokio::time::Instant::now();
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return self,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            self.flush().await;
            if aged.elapsed() >= AGEING {
                aged = tokio::time::Instant::now();
                if let Err(error) = self.control.age_usage(self.hourly_days, self.daily_days).await {
                    tracing::warn!(reason = %error, "old usage could not be added up; the next run tries again");
                }
            }
        }
    }

    /// Writes what was counted so far.
    pub(super) async fn flush(&mut self) {
        let (counted, mut lost) = self.data_plane.take_usage();
        for (key, totals) in counted {
            if self.waiting.len() < MOST_WAITING || self.waiting.contains_key(&key) {
                self.waiting.entry(key).or_default().add(&totals);
            } else {
                lost += totals.calls();
            }
        }
        if lost > 0 {
            tracing::warn!(calls = lost, "calls are missing in the usage: too many APIs and applications at once");
        }
        if self.waiting.is_empty() {
            return;
        }
        match self.control.add_usage(&self.waiting).await {
            Ok(()) => self.waiting.clear(),
            Err(error) => tracing::warn!(reason = %error, "usage could not be written; the next run tries again"),
        }
    }
}
