//! Backups by the clock (guideline O09).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Rng, Timestamp};
use store::Database;

use crate::backup;
use crate::config::Config;
use crate::failure::Outcome;
use crate::home::Home;
use crate::installation::world;

/// How long after the start the first backup is made at the earliest, and how often it is looked whether one is due.
const WATCH: Duration = Duration::from_mins(1);

/// How long a backup that failed is not tried again.
const RETRY: Duration = Duration::from_hours(1);

/// What backups are made of.
pub(super) struct Backups {
    home: Home,
    config: Config,
    database: Database,
    keyring: Arc<vault::Keyring>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Backups {
    /// Those of an installation.
    pub(super) fn of(home: &Home, config: &Config, database: &Database, keyring: &Arc<vault::Keyring>) -> Arc<Self> {
        let (clock, rng) = world();
        let (home, keyring) = (home.clone(), Arc::clone(keyring));
        Arc::new(Self { home, config: config.clone(), database: database.clone(), keyring, clock, rng })
    }

    /// Whether they are made by the clock.
    pub(super) const fn are_scheduled(&self) -> bool {
        self.config.backup.enable
    }

    /// Makes one now, and deletes what is beyond the number to keep.
    pub(super) async fn make(&self) -> Outcome<PathBuf> {
        let source = backup::Source {
            home: &self.home,
            config: &self.config,
            database: &self.database,
            keyring: Arc::clone(&self.keyring),
            clock: Arc::clone(&self.clock),
            rng: Arc::clone(&self.rng),
        };
        let made = backup::create(&source).await?;
        let keep = usize::try_from(self.config.backup.keep.get()).unwrap_or(usize::MAX);
        let deleted = backup::prune(&backup::directory(&self.home, &self.config)?, keep)?;
        tracing::info!(file = %made.display(), deleted = deleted.len(), "backup made");
        Ok(made)
    }

    /// Makes a backup whenever the newest is as old as `[backup] every` says.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(WATCH).await;
            let job = Arc::clone(&self);
            let runtime = tokio::runtime::Handle::current();
            let done = tokio::task::spawn_blocking(move || runtime.block_on(backup_if_due(&job))).await;
            if let Ok(Err(failure)) = done {
                tracing::error!(reason = %failure, "the backup failed; it is tried again in an hour");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn backup_if_due(of: &Backups) -> Outcome {
    let directory = backup::directory(&of.home, &of.config)?;
    let newest = backup::list(&directory)?.into_iter().filter_map(|b| Some(b.header?.created_ms)).max();
    let due = newest.is_none_or(|at| of.clock.now().since(Timestamp::from_millis(at)) >= of.config.backup.every.get());
    if due { of.make().await.map(drop) } else { Ok(()) }
}
