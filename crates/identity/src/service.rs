//! The service struct: what the use cases share.

use std::sync::Arc;

use model::{Clock, Rng, Tenant, TenantDomain, TenantId, Timestamp};
use store::repository::audit::{self, AuditEntry};
use store::repository::sign_in;
use store::repository::tenant as tenants;
use store::{Database, UnitOfWork};
use tokio::sync::{Semaphore, watch};
use vault::Keyring;
use web::Permit;

use crate::address::AddressBudget;
use crate::federation::Discoveries;
use crate::oauth::budget::OpenBudget;
use crate::oauth::published_keys::PublishedKeys;
use crate::password::PasswordHashes;
use crate::scope::ScopeTables;
use crate::sign_in::Holds;
use crate::user_store::Directories;
use crate::{IdentityError, IdentitySettings, Mailer, TokenKeys};

/// User name of the owner of the server's process, who acts through the UNIX socket in its home.
pub const LOCAL_OPERATOR: &str = "local-operator";

/// Sign-ins that ask a directory at the same time.
const DIRECTORY_TURNS: usize = 8;

/// Most refused addresses that a start takes up.
const MAX_LOCKED: i64 = 4096;

/// User stores, sign-in, key manager, SCIM, tenants. A clone is the same service; see [`Identity::on_behalf_of`].
#[derive(Clone)]
pub struct Identity {
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) settings: Arc<IdentitySettings>,
    pub(crate) keys: Arc<TokenKeys>,
    pub(crate) passwords: Arc<PasswordHashes>,
    pub(crate) addresses: Arc<AddressBudget>,
    /// Accounts whose failures could not be counted.
    pub(crate) holds: Arc<Holds>,
    pub(crate) scope_tables: Arc<ScopeTables>,
    pub(crate) open_clients: Arc<OpenBudget>,
    pub(crate) published_keys: Arc<PublishedKeys>,
    pub(crate) discoveries: Arc<Discoveries>,
    /// The way out to addresses that clients and administrators name; see [`Identity::with_egress`].
    pub(crate) egress: Option<web::Egress>,
    pub(crate) directories: Arc<Directories>,
    pub(crate) directory_turns: Arc<Semaphore>,
    /// Seals what is kept or sent out and must come back unread and unaltered; see [`Identity::with_keyring`].
    pub(crate) keyring: Option<Arc<Keyring>>,
    pub(crate) mailer: Option<Arc<dyn Mailer>>,
    pub(crate) mail_places: Arc<Semaphore>,
    changes: watch::Sender<u64>,
    /// Whom the audit log names; `None` is the owner of the server's process.
    pub(crate) actor: Option<Arc<str>>,
}

impl Identity {
    /// Nothing is read or written yet; call [`Identity::initialise`] once before use.
    pub fn new(
        database: Database,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        settings: IdentitySettings,
        keys: TokenKeys,
    ) -> Self {
        Self {
            database,
            clock,
            rng,
            passwords: Arc::new(PasswordHashes::new(settings.parallel_hashes)),
            addresses: Arc::new(AddressBudget::new(settings.address_budget, settings.global_budget)),
            holds: Arc::default(),
            scope_tables: Arc::default(),
            open_clients: Arc::default(),
            published_keys: Arc::default(),
            discoveries: Arc::default(),
            egress: None,
            directories: Arc::default(),
            directory_turns: Arc::new(Semaphore::new(DIRECTORY_TURNS)),
            keyring: None,
            mailer: None,
            mail_places: crate::mail::places(),
            settings: Arc::new(settings),
            keys: Arc::new(keys),
            changes: watch::Sender::new(0),
            actor: None,
        }
    }

    /// The service with the vault's keyring, which sign-in by browser and second factors need; without it they refuse.
    #[must_use]
    pub fn with_keyring(mut self, keyring: Arc<Keyring>) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// The service with a way out, which keys that clients publish are fetched by; without it such clients are refused.
    #[must_use]
    pub fn with_egress(mut self, egress: web::Egress) -> Self {
        self.egress = Some(egress);
        self
    }

    /// The same service, acting for somebody whom the audit log will name: as WSO2 reports names, `alice`, or
    /// `alice@example.com` outside the super tenant. Without it the log names the [`LOCAL_OPERATOR`]: command line and
    /// first boot run as the owner of the server's process.
    #[must_use]
    pub fn on_behalf_of(&self, principal: &str) -> Self {
        Self { actor: Some(principal.into()), ..self.clone() }
    }

    /// The same service, acting for the caller of an operation.
    pub(crate) fn permitted(&self, permit: &Permit) -> Self {
        self.on_behalf_of(&permit.principal().display_name())
    }

    /// Writes the audit record of a change into the change's own transaction. Call it last: other writers of the log
    /// wait from here to the end of the transaction.
    pub(crate) async fn record(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        action: &str,
        target: &str,
    ) -> Result<(), IdentityError> {
        let now = self.now();
        let principal = self.actor.as_deref().unwrap_or(LOCAL_OPERATOR);
        let entry = AuditEntry { id: self.rng.uuid_at(now), at: now, tenant, principal, action, target };
        Ok(audit::record(work, &entry).await?)
    }

    /// Makes the super tenant on first use, and adds built-in roles and scope bindings that a newer version brought.
    /// May be repeated.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn initialise(&self) -> Result<(), IdentityError> {
        let now = self.now();
        let mut work = self.database.begin().await?;
        if tenants::by_id(&mut work, TenantId::SUPER).await?.is_none() {
            let tenant = Tenant { id: TenantId::SUPER, domain: TenantDomain::super_domain(), active: true };
            let row = tenants::TenantRow { tenant, owner: serde_json::json!({}), created_at: now };
            tenants::insert(&mut work, &row).await?;
        }
        for row in tenants::list(&mut work).await? {
            self.add_built_ins(&mut work, row.tenant.id, now).await?;
        }
        if tenants::forget_store_properties(&mut work).await? > 0 {
            tracing::warn!(
                "the properties of user stores were removed: they had been kept in clear, passwords included"
            );
        }
        let locked = sign_in::locked_addresses(&mut work, now, MAX_LOCKED).await?;
        self.addresses.restore(locked.into_iter().filter_map(|(network, until)| Some((network.parse().ok()?, until))));
        work.save().await?;
        self.refresh_keys().await?;
        Ok(())
    }

    /// Counts up with everything a gateway must learn: a revocation, a lock, a deletion, a change of roles or password.
    /// The composition root republishes the snapshot when it changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The settings it runs with.
    pub fn settings(&self) -> &IdentitySettings {
        &self.settings
    }

    pub(crate) fn announce(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The tenant of a number.
    pub(crate) async fn need_tenant(&self, work: &mut UnitOfWork, id: TenantId) -> Result<Tenant, IdentityError> {
        let row = tenants::by_id(work, id).await?;
        row.map(|r| r.tenant).ok_or_else(|| IdentityError::not_found("There is no such tenant."))
    }
}
