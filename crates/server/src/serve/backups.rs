//! Backups by the clock (guideline O09).

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
    /// Those of an installation, unless it does not want any.
    pub(super) fn of(
        home: &Home,
        config: &Config,
        database: &Database,
        keyring: &Arc<vault::Keyring>,
    ) -> Option<Arc<Self>> {
        let (clock, rng) = world();
        let (home, keyring) = (home.clone(), Arc::clone(keyring));
        let backups = Self { home, config: config.clone(), database: database.clone(), keyring, clock, rng };
        config.backup.enable.then(|| Arc::new(backups))
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
    if !due {
        return Ok(());
    }
    let source = backup::Source {
        home: &of.home,
        config: &of.config,
        database: &of.database,
        keyring: Arc::clone(&of.keyring),
        clock: Arc::clone(&of.clock),
        rng: Arc::clone(&of.rng),
    };
    let made = backup::create(&source).await?;
    let deleted = backup::prune(&directory, usize::try_from(of.config.backup.keep.get()).unwrap_or(usize::MAX))?;
    tracing::info!(file = %made.display(), deleted = deleted.len(), "backup made");
    Ok(())
}
