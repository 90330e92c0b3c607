//! The state all use cases work on, and the one way a change is completed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{Clock, Rng, Timestamp};
use store::repository::{audit, change};
use store::{Database, UnitOfWork};
use tokio::sync::{Mutex, Semaphore};
use uuid::Uuid;
use web::Egress;

use crate::snapshot::Compiler;
use crate::{
    Actor, ConfiguredEnvironment, ControlError, FaultKind, InternalKeyIssuer, PortalSettings, Ports, PublishError,
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
    /// What the configuration decides about the Developer Portal and the built-in policies.
    pub portal: PortalSettings,
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
            portal: PortalSettings::default(),
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
    settings: ControlSettings,
    compiler: Compiler,
    /// Changes asked to be published so far.
    requested: AtomicU64,
    /// How many of them the gateway has.
    published: Mutex<u64>,
    heavy: Semaphore,
}

/// What a completed use case did, for the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The operation's id, as in `publisher.apis.create`.
    pub action: &'static str,
    /// Kind and id of what was changed, as in `api/<uuid>`.
    pub target: &'a str,
    /// Whether the gateway's snapshot depends on it.
    pub affects_gateway: bool,
}

impl<'a> Change<'a> {
    /// A change that the gateway must see.
    pub const fn served(action: &'static str, target: &'a str) -> Self {
        Self { action, target, affects_gateway: true }
    }

    /// A change that only the control plane sees.
    pub const fn managed(action: &'static str, target: &'a str) -> Self {
        Self { action, target, affects_gateway: false }
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
            settings,
            compiler: Compiler::default(),
            requested: AtomicU64::new(0),
            published: Mutex::new(0),
            heavy: Semaphore::new(HEAVY_JOBS),
        }
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

    /// Writes the audit record and the change-log entry into the transaction, keeps it, and waits until the gateway
    /// serves the change.
    ///
    /// # Errors
    /// When the database refuses; then nothing was kept.
    pub async fn commit(&self, mut work: UnitOfWork, actor: &Actor, change: Change<'_>) -> Result<(), ControlError> {
        self.record(&mut work, actor, change).await?;
        work.save().await?;
        if change.affects_gateway { self.publish_changes().await } else { Ok(()) }
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
        if change.affects_gateway {
            change::append(work, actor.tenant(), change.action, change.target, now).await?;
        }
        Ok(())
    }

    /// Compiles the snapshot and hands it to the gateway; returns when the gateway serves everything committed before
    /// the call. Calls that arrive while one is under way share the next one.
    ///
    /// # Errors
    /// 503 when the database cannot be read or the gateway did not get the snapshot: it is behind then, and the next call
    /// tries again. A part that the gateway refuses is logged; all others are served.
    pub async fn publish_changes(&self) -> Result<(), ControlError> {
        let wanted = self.requested.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let mut published = self.published.lock().await;
        if *published >= wanted {
            return Ok(());
        }
        let covers = self.requested.load(Ordering::SeqCst);
        let mut work = self.read().await?;
        let snapshot = self.compiler.compile(&mut work, self.ports.sealer.as_ref()).await?;
        work.cancel().await?;
        match self.ports.gateway.publish(snapshot).await {
            Ok(()) => {}
            Err(PublishError::Refused(faults)) => {
                for fault in faults {
                    tracing::error!(%fault, "the gateway refused a part of the snapshot");
                }
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
                return Err(error);
            }
        }
        *published = covers;
        Ok(())
    }

    /// Whether the gateway does not serve a change yet, because it could not be reached when the change was made. A job
    /// that asks every few seconds calls [`Control::publish_changes`] then.
    pub async fn is_behind(&self) -> bool {
        let published = self.published.lock().await;
        *published < self.requested.load(Ordering::SeqCst)
    }

    /// Verifies the hash chain of the audit log; returns the number of records.
    ///
    /// # Errors
    /// The sequence number of the first record that does not fit.
    pub async fn verify_audit_log(&self) -> Result<Result<u64, i64>, ControlError> {
        let mut work = self.read().await?;
        let mut previous = String::new();
        let mut count = 0_u64;
        let mut after = 0_i64;
        loop {
            let page = audit::after(&mut work, after, 500).await?;
            if page.is_empty() {
                return Ok(Ok(count));
            }
            for record in page {
                let whole = record.sequence == after.saturating_add(1)
                    && record.previous_hash == previous
                    && record.hash == audit::hash_of(&record);
                if !whole {
                    return Ok(Err(record.sequence));
                }
                after = record.sequence;
                previous = record.hash;
                count = count.saturating_add(1);
            }
        }
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
