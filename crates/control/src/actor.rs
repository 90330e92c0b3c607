//! On whose behalf a use case runs.

use model::{Tenant, TenantId};
use web::{Permit, Principal};

/// The acting person or client, as use cases need it.
#[derive(Clone, Debug)]
pub struct Actor {
    principal: Principal,
}

impl Actor {
    /// The principal of a permitted request.
    pub fn of(permit: &Permit) -> Self {
        Self { principal: permit.principal().clone() }
    }

    /// A principal authenticated elsewhere: the portal's session, the command line on the machine itself.
    pub const fn new(principal: Principal) -> Self {
        Self { principal }
    }

    /// The tenant whose data the use case touches.
    pub const fn tenant(&self) -> TenantId {
        self.principal.tenant.id
    }

    /// The tenant with its domain.
    pub const fn tenant_info(&self) -> &Tenant {
        &self.principal.tenant
    }

    /// The name as WSO2 reports it: `alice`, `alice@example.com` outside the super tenant.
    pub fn name(&self) -> String {
        self.principal.display_name()
    }

    /// The principal itself.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether the actor holds the role (case does not matter).
    pub fn has_role(&self, role: &str) -> bool {
        self.principal.has_role(role)
    }

    /// Whether the actor administers the tenant.
    pub fn is_admin(&self) -> bool {
        self.principal.has_role("admin")
    }

    /// Whether the scope was granted.
    pub fn allows(&self, scope: &str) -> bool {
        self.principal.scopes.contains(scope)
    }
}
