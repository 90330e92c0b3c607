//! What the Admin console sees of the installation around it.

mod report;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Clock, Rng, Timestamp};
use portal::{
    AuditReport, AuditRun, BackupFile, BackupState, CertificateState, GatewayState, Health, KeptAudit, Operations,
    SettingState,
};
use tokio::sync::{Mutex, OwnedMutexGuard};
use vault::tls::ServerIdentity;
use web::BoxFuture;

use super::SharedLogCounters;
use super::backups::Backups;
use super::data_plane::DataPlane;
use crate::backup;
use crate::command::audit::{self, history};
use crate::config::{self, Config, Database, Effective, PostgresHost};
use crate::failure::{Failure, Outcome};
use crate::home::Home;

/// How long the page waits for an audit before it says that it goes on.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the console is told from.
pub(super) struct Installation {
    home: Home,
    pub(super) config: Config,
    effective: Vec<Effective>,
    data_plane: Arc<DataPlane>,
    server_identity: Arc<ServerIdentity>,
    backups: Arc<Backups>,
    logs: SharedLogCounters,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Arc<dyn Rng>,
    started: Timestamp,
    /// Held while an audit or a backup runs: each needs the whole attention of the database, and a page is reloaded in
    /// impatience.
    busy: Arc<Mutex<()>>,
}

impl Installation {
    /// An installation that starts now.
    pub(super) fn new(
        (home, config, effective): (&Home, &Config, Vec<Effective>),
        (data_plane, server_identity): (&Arc<DataPlane>, &Arc<ServerIdentity>),
        (backups, logs): (&Arc<Backups>, SharedLogCounters),
        (clock, rng): (&Arc<dyn Clock>, &Arc<dyn Rng>),
    ) -> Self {
        Self {
            home: home.clone(),
            config: config.clone(),
            effective,
            data_plane: Arc::clone(data_plane),
            server_identity: Arc::clone(server_identity),
            backups: Arc::clone(backups),
            logs,
            started: clock.now(),
            clock: Arc::clone(clock),
            rng: Arc::clone(rng),
            busy: Arc::default(),
        }
    }

    fn turn(&self) -> Result<OwnedMutexGuard<()>, String> {
        let taken = Arc::clone(&self.busy).try_lock_owned();
        taken.map_err(|_| "An audit or a backup is under way. Look again in a moment.".to_owned())
    }
}

/// What the person is told; the log has the rest.
fn told(what: &str, failure: &Failure) -> String {
    tracing::warn!(reason = %failure, what, "the console was refused something");
    failure.reports.first().map_or_else(
        || what.to_owned(),
        |report| match report.why.as_str() {
            "" => format!("{}.", report.what),
            why => format!("{}: {why}.", report.what),
        },
    )
}

/// Runs what blocks beside the threads that answer requests.
async fn beside<T: Send + 'static>(
    what: &'static str,
    job: impl FnOnce() -> Outcome<T> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(job).await {
        Ok(done) => done.map_err(|failure| told(what, &failure)),
        Err(_) => Err(format!("{what} ended before its time.")),
    }
}

impl Operations for Installation {
    fn health(&self) -> Health {
        let exposed = |(_, address): (&str, std::net::SocketAddr)| !address.ip().to_canonical().is_loopback();
        Health {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            home: self.home.root().display().to_string(),
            database: match &self.config.database {
                Database::Sqlite { .. } => "SQLite, embedded".to_owned(),
                Database::Postgres(postgres) => match &postgres.host {
                    PostgresHost::Tcp(host, _) => format!("PostgreSQL on {host}"),
                    _ => "PostgreSQL on this machine".to_owned(),
                },
            },
            is_embedded: matches!(self.config.database, Database::Sqlite { .. }),
            started: self.started,
            is_ready: self.data_plane.is_ready(),
            is_exposed: self.config.listeners.all().any(exposed),
            log_records_lost: self.logs.dropped.load(Ordering::Relaxed),
        }
    }

    fn gateways(&self) -> Vec<GatewayState> {
        let listeners = &self.config.listeners;
        let addresses: Vec<String> = [("https", listeners.gateway_https), ("http", listeners.gateway_http)]
            .into_iter()
            .filter_map(|(scheme, address)| Some(format!("{scheme}://{}", address?)))
            .collect();
        if addresses.is_empty() {
            return Vec::new();
        }
        let metrics = self.data_plane.metrics();
        vec![GatewayState {
            name: "This server".to_owned(),
            addresses,
            is_ready: self.data_plane.is_ready(),
            version: self.data_plane.version(),
            connections: metrics.connections.saturating_sub(metrics.connections_closed),
            calls: metrics.requests,
            errors: metrics.status_5xx,
            upstream_failures: metrics.upstream_failures,
        }]
    }

    fn certificates(&self) -> Vec<CertificateState> {
        let current = self.server_identity.current();
        let summary = current.chain().first().and_then(vault::summarise_certificate);
        let place = match &self.config.tls_keystore {
            Some(_) => "[keystore.tls] in deployment.toml".to_owned(),
            None => self.home.security().display().to_string(),
        };
        vec![CertificateState {
            purpose: "TLS of consoles and gateway".to_owned(),
            names: summary.map(|found| found.names).unwrap_or_default(),
            fingerprint: current.fingerprint(),
            not_after: current.not_after(),
            place,
            is_self_made: self.config.tls_keystore.is_none(),
        }]
    }

    fn settings(&self) -> Vec<SettingState> {
        let state = |one: &Effective| SettingState {
            path: one.path.clone(),
            value: shown(&one.path, &one.value),
            origin: one.origin.clone(),
            summary: config::summary(&one.path),
        };
        self.effective.iter().map(state).collect()
    }

    fn backups(&self) -> BoxFuture<'_, Result<BackupState, String>> {
        let (home, config) = (self.home.clone(), self.config.clone());
        Box::pin(beside("The backups cannot be listed", move || backup_state(&home, &config)))
    }

    fn back_up(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let turn = self.turn()?;
            let (job, runtime) = (Arc::clone(&self.backups), tokio::runtime::Handle::current());
            let made = beside("The backup failed", move || {
                let _turn = turn;
                runtime.block_on(job.make())
            });
            let name = made.await?.file_name().map(|name| name.to_string_lossy().into_owned());
            Ok(name.unwrap_or_default())
        })
    }

    fn audits(&self) -> BoxFuture<'_, Result<Vec<KeptAudit>, String>> {
        let home = self.home.clone();
        Box::pin(beside("The kept audits cannot be listed", move || {
            let mut kept: Vec<KeptAudit> = history::reports(&home).iter().filter_map(|path| kept(path)).collect();
            kept.reverse();
            Ok(kept)
        }))
    }

    fn audit<'a>(&'a self, id: Option<&'a str>) -> BoxFuture<'a, Result<Option<AuditReport>, String>> {
        let (home, id) = (self.home.clone(), id.map(str::to_owned));
        Box::pin(beside("The audit cannot be read", move || {
            let mut paths = history::reports(&home);
            // The id is looked for among the files there are, never made into a path.
            let path = match id {
                Some(id) => paths.into_iter().find(|path| report::id_of(path) == id),
                None => paths.pop(),
            };
            let Some(path) = path else { return Ok(None) };
            Ok(report::of(&report::id_of(&path), &history::load(&path)?))
        }))
    }

    fn run_audit(&self) -> BoxFuture<'_, Result<AuditRun, String>> {
        Box::pin(async move {
            let turn = self.turn()?;
            let (home, clock, rng) = (self.home.clone(), Arc::clone(&self.clock), Arc::clone(&self.rng));
            // A task of its own: it goes on when the page is left.
            let job = tokio::spawn(beside("The audit failed", move || {
                let _turn = turn;
                let report = audit::own_report(&home, &[], false, clock.now())?;
                history::keep(&home, &report, rng.as_ref())
            }));
            match tokio::time::timeout(PATIENCE, job).await {
                Ok(Ok(done)) => done.map(|path| AuditRun::Done(report::id_of(&path))),
                Ok(Err(_)) => Err("The audit ended before its time.".to_owned()),
                Err(_) => Ok(AuditRun::Running),
            }
        })
    }
}

/// A value as it may be shown. Passwords are references, or the configuration would have been refused; should one stand
/// there all the same, it stays unseen.
fn shown(path: &str, value: &str) -> String {
    let key = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_secret = ["password", "passphrase", "secret"].iter().any(|word| key.contains(word));
    let is_reference = value.trim_matches(['"', '\'']).starts_with('$');
    if is_secret && !is_reference && !value.is_empty() { "(set, not shown)".to_owned() } else { value.to_owned() }
}

fn kept(path: &Path) -> Option<KeptAudit> {
    report::kept(&report::id_of(path), &history::load(path).ok()?)
}

fn backup_state(home: &Home, config: &Config) -> Outcome<BackupState> {
    let directory = backup::directory(home, config)?;
    let file = |one: backup::Listed| BackupFile {
        name: one.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        made: one.header.as_ref().map(|header| Timestamp::from_millis(header.created_ms)),
        size: one.size,
        holds: one.header.map(|header| format!("{}, version {}", header.database, header.program)).unwrap_or_default(),
    };
    let mut files: Vec<BackupFile> = backup::list(&directory)?.into_iter().map(file).collect();
    files.reverse();
    let hours = config.backup.every.get().as_secs() / 3600;
    let count = |number: u64, unit: &str| if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") };
    Ok(BackupState {
        is_scheduled: config.backup.enable,
        every: if hours > 0 && hours.is_multiple_of(24) { count(hours / 24, "day") } else { count(hours, "hour") },
        keep: usize::try_from(config.backup.keep.get()).unwrap_or(usize::MAX),
        directory: directory.display().to_string(),
        files,
        drill: backup::last_drill(home).map(|drill| (Timestamp::from_millis(drill.at), drill.file, drill.passed)),
    })
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_password_that_is_no_reference_is_not_shown() {
        assert_eq!(shown("database.apim_db.password", "\"hunter2\""), "(set, not shown)");
        assert_eq!(shown("super_admin.password", "'hunter2'"), "(set, not shown)");
        assert_eq!(shown("vault.passphrase", "\"$env{KEY}\""), "\"$env{KEY}\"");
        assert_eq!(shown("keystore.tls.key_password", "\"$secret{tls}\""), "\"$secret{tls}\"");
        assert_eq!(shown("database.apim_db.password", ""), "");
        assert_eq!(shown("server.hostname", "\"localhost\""), "\"localhost\"");
        assert_eq!(shown("password_policy.breach_list", "\"list.txt\""), "\"list.txt\"");
    }
}
