//! What the use cases need from elsewhere; the composition root implements these.

use std::sync::Arc;

use model::snapshot::{Delta, Snapshot};
use model::{ApplicationId, Secret, TenantId};
use web::BoxFuture;

use crate::{ControlError, KeyManager};

/// Hands a snapshot to the gateways.
pub trait GatewayPublisher: Send + Sync + 'static {
    /// Returns when every connected gateway serves the snapshot.
    ///
    /// # Errors
    /// What is not served, and whether anything is.
    fn publish(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Returns when every connected gateway serves the change.
    ///
    /// # Errors
    /// [`PublishError::Undelivered`] also when a gateway serves another version than the one that the change is of; it
    /// needs the whole snapshot then.
    fn change(&self, delta: Delta) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Compiles a snapshot as the gateways would, without serving it: a change that they would refuse is refused before
    /// it is kept. The snapshot holds only what is asked about, and the tenants and limits that this needs.
    ///
    /// # Errors
    /// One line per part that would not be served.
    fn check(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Vec<String>>>;

    /// Lets one user's next call with an application be the first of its window. `user` is written plain or with the domain
    /// of the application's tenant.
    fn reset_application(&self, application: ApplicationId, user: &str);
}

/// Why a snapshot is not served as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// These parts are not served, all others are. Trying again changes nothing.
    #[error("the gateway refused: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// The gateways keep the former snapshot whole. Trying again may help.
    #[error("the gateway could not be reached: {0}")]
    Undelivered(String),
}

/// Seals secrets before they reach the database (crate `vault`).
pub trait Sealer: Send + Sync + 'static {
    /// Seals bytes for one place; `context` names the place and must be given again to open.
    ///
    /// # Errors
    /// Why it could not be sealed; no secret in the text.
    fn seal(&self, plain: &[u8], context: &str) -> Result<String, String>;

    /// Opens what [`Sealer::seal`] made.
    ///
    /// # Errors
    /// Why it could not be opened; no secret in the text.
    fn open(&self, sealed: &str, context: &str) -> Result<Secret<Vec<u8>>, String>;
}

/// All ports.
pub struct Ports {
    /// The gateways.
    pub gateway: Arc<dyn GatewayPublisher>,
    /// The authorisation server.
    pub key_manager: Arc<dyn KeyManager>,
    /// The vault.
    pub sealer: Arc<dyn Sealer>,
}

/// A request that waits for an administrator: somebody wants an account.
#[derive(Clone, Debug)]
pub struct PendingApproval {
    /// Its id.
    pub id: String,
    /// The wanted user name.
    pub name: String,
    /// Mail address, which its owner has confirmed.
    pub email: String,
    /// When it was made.
    pub created_at: model::Timestamp,
}

/// Requests that wait for an administrator (crate `identity`).
pub trait Approvals: Send + Sync + 'static {
    /// Those of a tenant, the oldest first.
    ///
    /// # Errors
    /// As the store says.
    fn list(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<PendingApproval>, ControlError>>;

    /// Carries a request out, or drops it. `by` is whom the audit log names.
    ///
    /// # Errors
    /// Not found, or a conflict when it cannot be carried out any more.
    fn decide<'a>(
        &'a self,
        tenant: TenantId,
        by: &'a str,
        id: &'a str,
        approved: bool,
    ) -> BoxFuture<'a, Result<(), ControlError>>;
}

/// Signs test keys with the key of the resident key manager and adds its `iss` (crate `identity`).
pub trait InternalKeyIssuer: Send + Sync + 'static {
    /// Signs the claims as a JWT of type `JWT`.
    ///
    /// # Errors
    /// Why it could not be signed; for the log.
    fn issue(&self, tenant: TenantId, claims: serde_json::Value) -> BoxFuture<'_, Result<Secret<String>, String>>;
}
