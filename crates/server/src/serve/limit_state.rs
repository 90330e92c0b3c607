//! Counters of long rate limits in a file of the home, so that a restart gives nobody a second quota.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::data_plane::DataPlane;
use crate::home::Home;

/// How often the file is written: what an unclean end may forget.
const INTERVAL: Duration = Duration::from_secs(10);
/// Largest file that is read, bytes: all counters that a gateway holds, with long names.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

fn file(home: &Home) -> PathBuf {
    home.database_file().with_file_name("limits.json")
}

/// Reads the file, if there is one. A damaged file costs its counters and nothing else.
pub(super) fn restore(home: &Home, data_plane: &DataPlane) {
    match vault::read_private(&file(home), MAX_BYTES) {
        Ok(state) => {
            let counters = data_plane.restore_limits(state.expose());
            tracing::info!(counters, "rate limits go on where they were");
        }
        Err(error) if error.is_missing() => {}
        Err(error) => {
            tracing::warn!(reason = %error, "the counters of long rate limits cannot be read; they start anew")
        }
    }
}

/// Writes the file. Blocks for as long as the disk does.
pub(super) fn save(home: &Home, data_plane: &DataPlane) {
    let Some(state) = data_plane.limit_state() else { return };
    if let Err(error) = vault::write_private(&file(home), &state) {
        tracing::warn!(reason = %error, "the counters of long rate limits cannot be written; a restart forgets them");
    }
}

/// Writes the file from time to time until the server stops.
pub(super) async fn keep(home: Home, data_plane: Arc<DataPlane>, mut stopped: watch::Receiver<bool>) {
    let mut written = Vec::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let (home, data_plane, last) = (home.clone(), Arc::clone(&data_plane), std::mem::take(&mut written));
        let job = move || {
            let state = data_plane.limit_state().unwrap_or_default();
            if state != last {
                save(&home, &data_plane);
            }
            state
        };
        written = tokio::task::spawn_blocking(job).await.unwrap_or_default();
    }
}
