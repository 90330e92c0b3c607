//! Jobs beside the requests: certificates that changed, snapshot after identity changes, removal of expired rows.

use std::sync::Arc;
use std::time::Duration;

use control::Control;
use identity::{Identity, ResidentIssuer};
use model::{Clock, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use vault::tls::{Reload, ServerIdentity};

use super::backups::Backups;
use crate::config::Cleanup;

/// How often certificate files are looked at.
const CERTIFICATE_WATCH: Duration = Duration::from_secs(3);

/// How often changes that other processes made (the command line, another node) are looked for. Bound of the delay
/// until a lock or revocation of theirs is live at the gateway, and until a snapshot that did not reach the gateway is
/// made anew.
const FOREIGN_CHANGES: Duration = Duration::from_secs(3);

/// How often the keys of registered key managers are fetched again. A key that its owner withdrew is accepted for at
/// most this long.
const ISSUER_KEYS: Duration = Duration::from_mins(5);

/// How often it is looked whether accounts of directories are due.
const DIRECTORY_CHECK: Duration = Duration::from_secs(5);

/// How often it is looked for APIs that are to be judged by the rules of governance, when no change of this process says so.
const UNJUDGED: Duration = Duration::from_secs(30);

/// When expired rows are first removed after a start, and how soon a failed removal is tried again.
const FIRST_CLEAN_UP: Duration = Duration::from_mins(1);

pub(super) struct Jobs {
    pub(super) identity: Arc<Identity>,
    pub(super) control: Arc<Control>,
    pub(super) server_identity: Arc<ServerIdentity>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cleanup: Cleanup,
    pub(super) reload: Arc<Notify>,
    /// `None` when they are switched off.
    pub(super) backups: Option<Arc<Backups>>,
}

/// Starts them all; each ends when `stopped` turns true.
pub(super) fn spawn(tasks: &mut JoinSet<()>, jobs: Jobs, stopped: &watch::Receiver<bool>) {
    let Jobs { identity, control, server_identity, clock, cleanup, reload, backups } = jobs;
    tasks.spawn(until(stopped, watch_certificates(server_identity, clock, reload)));
    tasks.spawn(until(stopped, republish(Arc::clone(&identity), Arc::clone(&control))));
    tasks.spawn(until(stopped, judge(Arc::clone(&control))));
    tasks.spawn(until(stopped, refresh_issuers(control)));
    if identity.directory_stores().next().is_some() {
        tasks.spawn(until(stopped, check_directories(Arc::clone(&identity))));
    }
    if let Some(backups) = backups {
        tasks.spawn(until(stopped, backups.run()));
    }
    if cleanup.enabled {
        tasks.spawn(until(stopped, remove_expired(identity, cleanup)));
    }
}

fn until<F>(stopped: &watch::Receiver<bool>, job: F) -> impl Future<Output = ()> + Send + use<F>
where
    F: Future<Output = ()> + Send,
{
    let mut stopped = stopped.clone();
    async move {
        tokio::select! {
            () = job => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

async fn watch_certificates(identity: Arc<ServerIdentity>, clock: Arc<dyn Clock>, reload: Arc<Notify>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CERTIFICATE_WATCH) => {}
            () = reload.notified() => {}
        }
        let (identity, now) = (Arc::clone(&identity), clock.now());
        let Ok(found) = tokio::task::spawn_blocking(move || identity.reload_if_changed(now)).await else { continue };
        match found {
            Reload::Unchanged | Reload::Kept { repeated: true, .. } => {}
            Reload::Reloaded { fingerprint } => tracing::info!(%fingerprint, "new TLS certificate in use"),
            Reload::Kept { fault, repeated: false } => {
                tracing::error!(reason = %fault, "the new TLS certificate is not used; the former one stays");
            }
        }
    }
}

/// Hands the gateway a new snapshot after revocations, locks and role changes, and again after one did not reach it.
pub(super) async fn republish(identity: Arc<Identity>, control: Arc<Control>) {
    let mut changes = identity.changes();
    let mut known = fingerprint(&identity).await;
    loop {
        tokio::select! {
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(FOREIGN_CHANGES) => {
                if let Err(error) = identity.refresh_keys().await {
                    tracing::error!(reason = %error, "signing keys could not be read or made; the known ones stay in use");
                }
                let found = fingerprint(&identity).await;
                if (found.is_none() || found == known) && !control.is_behind().await {
                    continue;
                }
            }
        }
        match control.publish_changes().await {
            Ok(()) => known = fingerprint(&identity).await,
            Err(error) => {
                tracing::error!(reason = %error, "the gateway could not be told about a revocation; trying again");
                known = None;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Looks up accounts of directories again; which ones are due is in the configuration of each directory.
async fn check_directories(identity: Arc<Identity>) {
    loop {
        tokio::time::sleep(DIRECTORY_CHECK).await;
        while let Ok(true) = identity.check_directories().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Judges APIs by the rules of governance after they changed.
async fn judge(control: Arc<Control>) {
    loop {
        match control.judge_waiting().await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(reason = %error, "APIs could not be judged by the rules of governance; trying again")
            }
        }
        tokio::select! {
            () = control.something_to_judge() => {}
            () = tokio::time::sleep(UNJUDGED) => {}
        }
    }
}

async fn refresh_issuers(control: Arc<Control>) {
    loop {
        tokio::time::sleep(ISSUER_KEYS).await;
        if let Err(error) = control.refresh_issuers().await {
            tracing::warn!(reason = %error, "the keys of key managers could not be refreshed; the next run tries again");
        }
    }
}

/// What the gateway knows of identity, in short.
#[derive(PartialEq, Eq)]
struct Known {
    revoked: (usize, Option<Timestamp>),
    epochs: (usize, Option<Timestamp>),
    /// Active tenants with their keys.
    issuers: Vec<ResidentIssuer>,
}

/// `None` when the database cannot be read.
async fn fingerprint(identity: &Identity) -> Option<Known> {
    let revoked = identity.revoked_tokens(Timestamp::from_millis(0)).await.ok()?;
    let epochs = identity.subject_epochs().await.ok()?;
    Some(Known {
        revoked: (revoked.len(), revoked.iter().map(|r| r.revoked_at).max()),
        epochs: (epochs.len(), epochs.iter().map(|e| e.not_before).max()),
        issuers: identity.resident_issuers(),
    })
}

async fn remove_expired(identity: Arc<Identity>, cleanup: Cleanup) {
    let mut pause = cleanup.every.min(FIRST_CLEAN_UP);
    loop {
        tokio::time::sleep(pause).await;
        pause = match identity.clean_up().await {
            Ok(report) => {
                tracing::info!(
                    rows = report.rows,
                    transactions = report.transactions,
                    longest_ms = millis(report.longest),
                    took_ms = millis(report.took),
                    left_to_another = report.left_to_another,
                    "expired rows removed"
                );
                cleanup.every
            }
            Err(error) => {
                tracing::warn!(reason = %error, "expired rows could not be removed; trying again");
                cleanup.every.min(FIRST_CLEAN_UP)
            }
        };
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
