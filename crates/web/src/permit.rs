//! Who acts, and the proof that they may.

use std::collections::BTreeSet;

use model::{ConsumerKey, Tenant, TenantId};

/// How the principal proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationMethod {
    /// An access token.
    Bearer,
    /// User name and password.
    Basic,
    /// A browser session.
    Session,
    /// The owner of the server's process, over the UNIX socket in its home.
    LocalSocket,
}

/// An authenticated person or client.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The tenant the principal belongs to.
    pub tenant: Tenant,
    /// User name without the tenant, as in `alice` or `SECONDARY.COM/alice`; a client's id for client credentials.
    pub user: String,
    /// Roles, as in `admin`, `Internal/creator`.
    pub roles: BTreeSet<String>,
    /// What the principal may do here: the token's scopes, or everything the roles allow for basic authentication.
    pub scopes: BTreeSet<String>,
    /// The client that acts for the principal, for tokens.
    pub client: Option<ConsumerKey>,
    /// How identity was proved.
    pub method: AuthenticationMethod,
}

impl Principal {
    /// The name as WSO2's APIs report it: without the domain in the super tenant, `name@domain` elsewhere.
    pub fn display_name(&self) -> String {
        if self.tenant.id.is_super() { self.user.clone() } else { format!("{}@{}", self.user, self.tenant.domain) }
    }

    /// Whether the principal has the role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r.eq_ignore_ascii_case(role))
    }
}

/// Proof that a principal may carry out the operation at hand. Only the route table makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    principal: Principal,
}

impl Permit {
    /// Called by the route table after the operation's access rule has been met.
    pub(crate) const fn granted(principal: Principal) -> Self {
        Self { principal }
    }

    /// Who acts.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The tenant whose data the operation is about.
    pub const fn tenant(&self) -> TenantId {
        self.principal.tenant.id
    }

    /// Whether a further scope was granted, for answers that show more to some.
    pub fn allows(&self, scope: &str) -> bool {
        self.principal.scopes.contains(scope)
    }
}
