//! The service struct: what the use cases share.

use std::sync::Arc;

use model::{Clock, Rng, Tenant, TenantDomain, TenantId, Timestamp};
use store::repository::audit::{self, AuditEntry};
use store::repository::tenant as tenants;
use store::{Database, UnitOfWork};
use tokio::sync::watch;
use web::Permit;

use crate::address::AddressBudget;
use crate::password::PasswordHashes;
use crate::scope::ScopeTables;
use crate::{IdentityError, IdentitySettings, TokenKeys};

/// User name of the owner of the server's process, who acts through the UNIX socket in its home.
pub const LOCAL_OPERATOR: &str = "local-operator";

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
    pub(crate) scope_tables: Arc<ScopeTables>,
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
            addresses: Arc::new(AddressBudget::new(settings.address_budget)),
            scope_tables: Arc::default(),
            settings: Arc::new(settings),
            keys: Arc::new(keys),
            changes: watch::Sender::new(0),
            actor: None,
        }
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
        work.save().await?;
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

    /// The public keys of our tokens (RFC 7517), the current one first.
    pub fn public_jwks(&self) -> &[serde_json::Value] {
        self.keys.public_jwks()
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
