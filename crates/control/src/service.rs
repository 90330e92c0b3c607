//! The state all use cases work on, and the one way a change is completed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use model::{Clock, Rng, Timestamp};
use store::repository::{audit, change};
use store::{Database, UnitOfWork};
use tokio::sync::Mutex;
use uuid::Uuid;
use web::Egress;

use crate::snapshot::Compiler;
use crate::{Actor, ControlError, InternalKeyIssuer, PortalSettings, Ports};

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
            portal: PortalSettings::default(),
        }
    }
}

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
        let head = audit::head(work).await?;
        let id = self.rng.uuid_at(now);
        let mut record = audit::AuditRecord {
            sequence: head.sequence.saturating_add(1),
            id: id.to_string(),
            at: now,
            tenant: actor.tenant(),
            principal: actor.name(),
            action: change.action.to_owned(),
            target: change.target.to_owned(),
            previous_hash: head.hash,
            hash: String::new(),
        };
        record.hash = hash_of(&record);
        audit::append(work, &record).await?;
        if change.affects_gateway {
            change::append(work, actor.tenant(), change.action, change.target, now).await?;
        }
        Ok(())
    }

    /// Compiles the snapshot and hands it to the gateway; returns when the gateway serves everything committed before
    /// the call. Calls that arrive while one is under way share the next one.
    ///
    /// # Errors
    /// When the database cannot be read. A gateway that refuses a part keeps serving its former state of that part;
    /// that is logged, because the change itself is saved.
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
        if let Err(faults) = self.ports.gateway.publish(snapshot).await {
            for fault in faults {
                tracing::error!(%fault, "the gateway refused a part of the snapshot");
            }
        }
        *published = covers;
        Ok(())
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
                    && record.hash == hash_of(&record);
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

/// SHA-256 over the record's canonical JSON (fixed key order, the hash left out), in hex.
fn hash_of(record: &audit::AuditRecord) -> String {
    let canonical = serde_json::json!([
        record.sequence,
        record.id,
        record.at.millis(),
        record.tenant.number(),
        record.principal,
        record.action,
        record.target,
        record.previous_hash,
    ]);
    hex(digest(&SHA256, canonical.to_string().as_bytes()).as_ref())
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
