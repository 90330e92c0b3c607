//! The state all use cases work on, and the one way a change is completed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::{ApiId, Clock, Rng, Timestamp};
use store::repository::{audit, change};
use store::{Database, UnitOfWork};
use tokio::sync::{Mutex, Notify, Semaphore};
use uuid::Uuid;
use web::Egress;

use crate::governance::jobs;
use crate::snapshot::{self, Compiler};
use crate::{
    Actor, Approvals, ConfiguredEnvironment, ControlError, FaultKind, InternalKeyIssuer, PortalSettings, Ports,
    PublishError, WorkflowSettings,
};

/// Settings of the control plane, parsed from the configuration by the composition root.
#[derive(Clone, Debug)]
pub struct ControlSettings {
    /// Host name that the portals and the gateway advertise (`[server] hostname`).
    pub hostname: String,
    /// Address of the management APIs as clients see it, without a trailing slash.
    pub console_url: String,
    /// Whether the Developer Portal may be read without signing in (`[apim.devportal] enable_anonymous_mode`).
    pub anonymous_devportal: bool,
    /// Port of the gateway's HTTPS listener as advertised in definitions and environments (WSO2: 8243).
    pub gateway_https_port: u16,
    /// Port of the gateway's plain HTTP listener as advertised (WSO2: 8280).
    pub gateway_http_port: u16,
    /// Environments of the configuration, names unique. One named `Default` says how that is announced; without it,
    /// `Default` has this server's own host name and ports.
    pub environments: Vec<ConfiguredEnvironment>,
    /// For how long keys of a key manager that cannot be fetched again are relied on (`[gateway] jwks_stale_limit`).
    pub keys_stale_limit: std::time::Duration,
    /// What the configuration decides about the Developer Portal and the built-in policies.
    pub portal: PortalSettings,
    /// Which requests wait for an administrator in tenants that say nothing else (`[apim.workflow] extensions`).
    pub workflows: WorkflowSettings,
    /// Whether administrators may decide what they asked for themselves (`[apim.workflow] decide_own_requests`).
    pub decide_own_requests: bool,
}

impl Default for ControlSettings {
    /// WSO2's defaults for a server on `localhost`.
    fn default() -> Self {
        Self {
            hostname: "localhost".into(),
            console_url: "https://localhost:9443".into(),
            anonymous_devportal: true,
            gateway_https_port: 8243,
            gateway_http_port: 8280,
            environments: Vec::new(),
            keys_stale_limit: std::time::Duration::from_hours(24),
            portal: PortalSettings::default(),
            workflows: WorkflowSettings::default(),
            decide_own_requests: false,
        }
    }
}

/// How many archives and definitions are unpacked and parsed at a time: each may need tens of megabytes.
const HEAVY_JOBS: usize = 2;

/// The control plane. One per process; shared by REST, portal and command line.
pub struct Control {
    database: Database,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    egress: Egress,
    ports: Ports,
    internal_keys: Option<Arc<dyn InternalKeyIssuer>>,
    approvals: Option<Arc<dyn Approvals>>,
    settings: ControlSettings,
    compiler: Compiler,
    /// Changes asked to be published so far.
    requested: AtomicU64,
    /// Something changed that is not in the change log.
    whole_wanted: AtomicBool,
    published: Mutex<Published>,
    /// The newest checkpoint of the audit log, as it is kept outside of the database.
    pub(crate) kept: std::sync::Mutex<Option<String>>,
    heavy: Semaphore,
    /// Something is to be judged by the rules of governance.
    to_judge: Notify,
}

/// What a completed use case did, for the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The operation's id, as in `publisher.apis.create`.
    pub action: &'static str,
    /// Kind and id of what was changed, as in `api/<uuid>`.
    pub target: &'a str,
    /// What the gateway must learn of it.
    pub effect: Effect,
}

/// What of the gateway's snapshot a change touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: only the control plane sees it.
    Nothing,
    /// The deployments and subscriptions of one API, and which of its versions is the default.
    Api(ApiId),
    /// Anything.
    Everything,
}

impl<'a> Change<'a> {
    /// A change that the gateway must see.
    pub const fn served(action: &'static str, target: &'a str) -> Self {
        Self { action, target, effect: Effect::Everything }
    }

    /// A change that the gateway must see, of one API or of subscriptions to it.
    pub const fn of_api(action: &'static str, target: &'a str, api: ApiId) -> Self {
        Self { action, target, effect: Effect::Api(api) }
    }

    /// A change that only the control plane sees.
    pub const fn managed(action: &'static str, target: &'a str) -> Self {
        Self { action, target, effect: Effect::Nothing }
    }
}

impl Control {
    /// The control plane over an up-to-date database. Call [`Control::publish_changes`] once to give the gateway its
    /// first snapshot.
    pub fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        egress: Egress,
        ports: Ports,
        settings: ControlSettings,
    ) -> Self {
        Self {
            database,
            clock,
            rng,
            egress,
            ports,
            internal_keys: None,
            approvals: None,
            settings,
            compiler: Compiler::default(),
            requested: AtomicU64::new(0),
            whole_wanted: AtomicBool::new(false),
            published: Mutex::default(),
            kept: std::sync::Mutex::default(),
            heavy: Semaphore::new(HEAVY_JOBS),
            to_judge: Notify::new(),
        }
    }

    /// Lets administrators decide requests that wait for them; without it there are none.
    #[must_use]
    pub fn with_approvals(mut self, approvals: Arc<dyn Approvals>) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// Requests that wait for an administrator, if there can be any.
    pub fn approvals(&self) -> Option<&dyn Approvals> {
        self.approvals.as_deref()
    }

    /// Lets publishers make test keys; without it the operation answers 503.
    #[must_use]
    pub fn with_internal_keys(mut self, issuer: Arc<dyn InternalKeyIssuer>) -> Self {
        self.internal_keys = Some(issuer);
        self
    }

    pub(crate) fn internal_keys(&self) -> Option<&dyn InternalKeyIssuer> {
        self.internal_keys.as_deref()
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Randomness.
    pub fn rng(&self) -> &dyn Rng {
        self.rng.as_ref()
    }

    /// A fresh random id.
    pub fn uuid(&self) -> Uuid {
        self.rng.uuid()
    }

    /// The client for calls to other servers.
    pub const fn egress(&self) -> &Egress {
        &self.egress
    }

    /// The ports.
    pub const fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The settings.
    pub const fn settings(&self) -> &ControlSettings {
        &self.settings
    }

    /// Indexes the APIs that an older program wrote. Call it once, before anything is asked for.
    ///
    /// # Errors
    /// When the database cannot be written, or a stored API is damaged.
    pub async fn index_apis(&self) -> Result<(), ControlError> {
        loop {
            let mut work = self.begin().await?;
            let indexed = store::repository::api::bring_up_to_date(&mut work, 200).await?;
            work.save().await?;
            if indexed == 0 {
                return Ok(());
            }
            tracing::info!(indexed, "APIs of an older version were indexed");
        }
    }

    /// A transaction that may write.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self) -> Result<UnitOfWork, ControlError> {
        Ok(self.database.begin().await?)
    }

    /// A consistent view that only reads.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn read(&self) -> Result<UnitOfWork, ControlError> {
        Ok(self.database.read().await?)
    }

    /// Runs work that computes for long (unpacking, parsing) beside the threads that answer requests, few at a time.
    ///
    /// # Errors
    /// When the job ended without a result.
    pub(crate) async fn heavy<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ControlError> {
        let failed = |reason: String| ControlError::internal(format!("a background computation: {reason}"));
        let _turn = self.heavy.acquire().await.map_err(|e| failed(e.to_string()))?;
        tokio::task::spawn_blocking(job).await.map_err(|e| failed(e.to_string()))
    }

    /// Wakes who waits in [`Control::something_to_judge`].
    pub(crate) fn wake_governance(&self) {
        self.to_judge.notify_one();
    }

    /// Ends when a change was saved that [`Control::judge_waiting`] has to look at.
    pub async fn something_to_judge(&self) {
        self.to_judge.notified().await;
    }

    /// Writes the audit record and the change-log entry into the transaction, keeps it, and waits until the gateway
    /// serves the change.
    ///
    /// # Errors
    /// When the database refuses; then nothing was kept.
    pub async fn commit(&self, mut work: UnitOfWork, actor: &Actor, change: Change<'_>) -> Result<(), ControlError> {
        self.record(&mut work, actor, change).await?;
        work.save().await?;
        if jobs::concerned(&change).is_some() {
            self.wake_governance();
        }
        if change.effect == Effect::Nothing { Ok(()) } else { self.publish_committed().await }
    }

    /// Writes the audit record and the change-log entry of one of several changes of a transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&self, work: &mut UnitOfWork, actor: &Actor, change: Change<'_>) -> Result<(), ControlError> {
        let now = self.now();
        let principal = actor.name();
        let entry = audit::AuditEntry {
            id: self.rng().uuid_at(now),
            at: now,
            tenant: actor.tenant(),
            principal: &principal,
            action: change.action,
            target: change.target,
        };
        audit::record(work, &entry).await?;
        if let Some(api) = jobs::concerned(&change) {
            jobs::request(self, work, actor.tenant(), api).await?;
        }
        let scope = match change.effect {
            Effect::Nothing => return Ok(()),
            Effect::Api(id) => snapshot::changes::scope(id),
            Effect::Everything => snapshot::changes::EVERYTHING.to_owned(),
        };
        change::append(work, actor.tenant(), change.action, &scope, now).await?;
        Ok(())
    }

    /// Compiles the whole snapshot and hands it to the gateway; returns when the gateway serves everything committed before
    /// the call. For changes that are not in the change log, as those of identity. Calls that arrive while one is under
    /// way share the next one.
    ///
    /// # Errors
    /// 503 when the database cannot be read or the gateway did not get the snapshot: it is behind then, and the next call
    /// tries again. A part that the gateway refuses is logged; all others are served.
    pub async fn publish_changes(&self) -> Result<(), ControlError> {
        self.whole_wanted.store(true, Ordering::SeqCst);
        self.publish_committed().await
    }

    /// Hands the gateway what the change log says it does not have: single APIs as long as nothing else changed, else the
    /// whole snapshot.
    async fn publish_committed(&self) -> Result<(), ControlError> {
        let wanted = self.requested.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let mut published = self.published.lock().await;
        if published.requests >= wanted {
            return Ok(());
        }
        let covers = self.requested.load(Ordering::SeqCst);
        let whole = self.whole_wanted.swap(false, Ordering::SeqCst);
        // Until this has ended well what the gateway has is not known, even when nobody waits for the end any more: only a
        // whole snapshot is right then.
        let from = published.version.take().filter(|_| !whole);
        let version = self.hand_over(from).await?;
        *published = Published { requests: covers, version: Some(version) };
        Ok(())
    }

    /// Returns the version that the gateway serves now.
    async fn hand_over(&self, from: Option<u64>) -> Result<u64, ControlError> {
        let sealer = self.ports.sealer.as_ref();
        let mut work = self.read().await?;
        let delta = match from {
            Some(from) => self.compiler.changes(&mut work, from, sealer).await?,
            None => None,
        };
        if let Some(delta) = delta {
            let version = delta.to;
            match served(self.ports.gateway.change(delta).await) {
                Ok(()) => return work.cancel().await.map(|()| version).map_err(Into::into),
                Err(error) => {
                    tracing::warn!(reason = ?error.log, "a change did not reach the gateway; it gets the whole snapshot")
                }
            }
        }
        let snapshot = self.compiler.compile(&mut work, sealer, self.now()).await?;
        work.cancel().await?;
        let version = snapshot.version;
        served(self.ports.gateway.publish(snapshot).await)?;
        Ok(version)
    }

    /// Whether the gateway does not serve a change yet: it could not be reached when the change was made, or another
    /// process made it. A job that asks every few seconds calls [`Control::publish_changes`] then.
    pub async fn is_behind(&self) -> bool {
        let version = {
            let published = self.published.lock().await;
            if published.requests < self.requested.load(Ordering::SeqCst) {
                return true;
            }
            published.version
        };
        let Ok(mut work) = self.read().await else { return false };
        let latest = change::latest(&mut work).await;
        let _read_only = work.cancel().await;
        latest.is_ok_and(|latest| u64::try_from(latest).ok() > version)
    }
}

/// What the gateway has.
#[derive(Debug, Default)]
struct Published {
    /// How many of the changes that were asked to be published.
    requests: u64,
    /// Version of the snapshot; `None` before the first, and when it is not known.
    version: Option<u64>,
}

/// What the gateway refuses is logged, because all else is served.
fn served(outcome: Result<(), PublishError>) -> Result<(), ControlError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(PublishError::Refused(faults)) => {
            for fault in faults {
                tracing::error!(%fault, "the gateway refused a part of the snapshot");
            }
            Ok(())
        }
        Err(PublishError::Undelivered(reason)) => {
            let mut error = ControlError::new(
                FaultKind::Unavailable,
                503,
                "Service Unavailable",
                "The gateway did not get the latest changes. What you changed is saved and will be live as soon as \
                 the gateway can be reached; that is tried every few seconds.",
            );
            error.log = Some(reason);
            Err(error)
        }
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
