//! Checkpoints of the audit log: made once a minute while the log grows and when the server stops, and kept in a file of the
//! home beside the database.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use control::Control;
use tokio::sync::watch;

use crate::home::Home;

/// How often a checkpoint is made: the end of the log that somebody could cut off unseen while the server runs.
const INTERVAL: Duration = Duration::from_mins(1);
/// Largest file that is read, bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The file with the newest checkpoint.
pub(crate) fn file(home: &Home) -> PathBuf {
    home.database_file().with_file_name("audit-log.checkpoint")
}

/// The newest checkpoint that was kept; `None` when there is none.
///
/// # Errors
/// Why the file cannot be read.
pub(crate) fn kept(home: &Home) -> Result<Option<String>, String> {
    match vault::read_private(&file(home), MAX_BYTES) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(bytes.expose()).into_owned())),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Tells the control plane what was kept.
pub(super) fn restore(home: &Home, control: &Control) {
    match kept(home) {
        Ok(Some(sealed)) => control.keep_checkpoint(sealed),
        Ok(None) => {}
        Err(reason) => {
            tracing::warn!(%reason, "the checkpoint of the audit log cannot be read; those of the database count")
        }
    }
}

/// Makes checkpoints until the server stops, and one then.
pub(super) async fn keep(home: Home, control: Arc<Control>, mut stopped: watch::Receiver<bool>) {
    loop {
        let last = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => true,
            () = tokio::time::sleep(INTERVAL) => false,
        };
        match control.checkpoint_audit_log().await {
            Ok(Some(sealed)) => {
                let path = file(&home);
                let written = tokio::task::spawn_blocking(move || vault::write_private(&path, sealed.as_bytes())).await;
                if let Ok(Err(error)) = written {
                    tracing::warn!(reason = %error, "a checkpoint of the audit log is in the database only");
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(reason = %error, "no checkpoint of the audit log was made; the next is due in a minute")
            }
        }
        if last {
            return;
        }
    }
}
