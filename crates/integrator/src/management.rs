//! The management API: what is deployed and what it does, for people and programs with an account of the integrator.
//!
//! Paths and shapes are those of WSO2's Micro Integrator (`/management/..` on port 9164). Tokens are random, not JWT: they
//! end with the process, and logging out ends them at once. There is no account that nobody made (guideline M02).

mod accounts;
mod artifacts;
mod operations;

use std::sync::Arc;

use model::{Clock, Rng, Secret, Tenant, TenantDomain, TenantId};
use web::{
    AuthenticationError, AuthenticationMethod, Authenticator, BoxFuture, Credentials, Operation, Principal, RouteTable,
};

use self::accounts::Accounts;
pub use self::accounts::check_password;
use crate::integrator::Integrator;

/// Scope of operations that only look.
pub const VIEW: &str = "mi:view";
/// Scope of operations that change something, and of users: the role `admin`.
pub const MANAGE: &str = "mi:manage";
/// Largest Carbon application that is uploaded, bytes.
const APPLICATION: usize = 64 << 20;

/// An account of the configuration: the super admin, whom the API cannot change (guideline M02).
#[derive(Clone)]
pub struct ConfiguredUser {
    /// Name.
    pub name: String,
    /// Password, out of the vault.
    pub password: Secret<String>,
}

/// What the management API is made with.
#[derive(Clone, Default)]
pub struct ManagementSettings {
    /// Super admins.
    pub super_admins: Vec<ConfiguredUser>,
}

/// The management API of an integrator.
pub struct Management {
    integrator: Arc<Integrator>,
    accounts: Accounts,
    started: model::Timestamp,
    clock: Arc<dyn Clock>,
}

/// A super admin whose password is one that attackers try first.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("M02: the password of the super admin {user} {reason}")]
pub struct WeakAccount {
    /// The account.
    pub user: String,
    /// What is wrong with its password.
    pub reason: &'static str,
}

impl Management {
    /// The management API; without super admins and users nobody can log in.
    ///
    /// # Errors
    /// A password of the configuration is one that attackers try first.
    pub fn new(integrator: Arc<Integrator>, settings: &ManagementSettings) -> Result<Arc<Self>, WeakAccount> {
        for user in &settings.super_admins {
            check_password(&user.name, user.password.expose())
                .map_err(|reason| WeakAccount { user: user.name.clone(), reason })?;
        }
        let world = integrator.context().world();
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::clone(&world.clock), Arc::clone(&world.rng));
        let databases = integrator.context().beside().databases();
        let accounts = Accounts::new(settings.super_admins.clone(), databases, Arc::clone(&clock), rng);
        Ok(Arc::new(Self { accounts, started: clock.now(), clock, integrator }))
    }
}

/// Every operation with who may call it.
pub fn routes() -> RouteTable<Management> {
    accounts_and_server().merge(lists()).merge(switches())
}

const fn get(id: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "GET", path, summary)
}

/// Who may come in, what this server is, and what is deployed on it.
fn accounts_and_server() -> RouteTable<Management> {
    RouteTable::new()
        .public(
            get("mi.login", "/management/login", "Log in with user name and password"),
            "whoever logs in has no token yet; failed attempts are counted",
            operations::login,
        )
        .guarded(get("mi.logout", "/management/logout", "End the token"), &[VIEW, MANAGE], operations::logout)
        .guarded(get("mi.server", "/management/server", "What this server is"), &[VIEW], operations::server)
        .guarded(get("mi.metrics", "/metric-service/metrics", "Prometheus metrics"), &[VIEW], operations::metrics)
        .guarded(get("mi.users", "/management/users", "Users"), &[MANAGE], operations::users)
        .guarded(
            Operation::new("mi.users.add", "POST", "/management/users", "Add a user"),
            &[MANAGE],
            operations::add_user,
        )
        .guarded(get("mi.users.get", "/management/users/{user}", "A user"), &[MANAGE], operations::user)
        .guarded(
            Operation::new("mi.users.password", "PATCH", "/management/users/{user}", "Change a password"),
            &[VIEW, MANAGE],
            operations::password,
        )
        .guarded(
            Operation::new("mi.users.delete", "DELETE", "/management/users/{user}", "Delete a user"),
            &[MANAGE],
            operations::delete_user,
        )
        .guarded(get("mi.roles", "/management/roles", "Roles"), &[MANAGE], operations::roles)
        .guarded(get("mi.roles.get", "/management/roles/{role}", "Users of a role"), &[MANAGE], operations::role)
        .guarded(
            Operation::new("mi.roles.assign", "PUT", "/management/roles", "Assign roles"),
            &[MANAGE],
            operations::assign,
        )
        .guarded(
            get("mi.applications", "/management/applications", "Carbon applications"),
            &[VIEW],
            artifacts::applications,
        )
        .guarded(
            Operation::new("mi.applications.deploy", "POST", "/management/applications", "Deploy an application")
                .body_limit(APPLICATION),
            &[MANAGE],
            operations::deploy,
        )
        .guarded(
            Operation::new(
                "mi.applications.undeploy",
                "DELETE",
                "/management/applications/{name}",
                "Undeploy an application",
            ),
            &[MANAGE],
            operations::undeploy,
        )
}

/// What is deployed.
fn lists() -> RouteTable<Management> {
    RouteTable::new()
        .guarded(get("mi.apis", "/management/apis", "APIs"), &[VIEW], artifacts::apis)
        .guarded(get("mi.proxies", "/management/proxy-services", "Proxy services"), &[VIEW], artifacts::proxies)
        .guarded(get("mi.sequences", "/management/sequences", "Sequences"), &[VIEW], artifacts::sequences)
        .guarded(get("mi.endpoints", "/management/endpoints", "Endpoints"), &[VIEW], artifacts::endpoints)
        .guarded(get("mi.templates", "/management/templates", "Templates"), &[VIEW], artifacts::templates)
        .guarded(get("mi.entries", "/management/local-entries", "Local entries"), &[VIEW], artifacts::entries)
        .guarded(get("mi.inbound", "/management/inbound-endpoints", "Inbound endpoints"), &[VIEW], artifacts::inbound)
        .guarded(get("mi.connectors", "/management/connectors", "Connectors"), &[VIEW], artifacts::connectors)
        .guarded(get("mi.services", "/management/data-services", "Data services"), &[VIEW], artifacts::data_services)
        .guarded(get("mi.sources", "/management/data-sources", "Data sources"), &[VIEW], artifacts::data_sources)
        .guarded(get("mi.stores", "/management/message-stores", "Message stores"), &[VIEW], artifacts::stores)
        .guarded(get("mi.tasks", "/management/tasks", "Tasks"), &[VIEW], artifacts::tasks)
        .guarded(
            get("mi.processors", "/management/message-processors", "Message processors"),
            &[VIEW],
            artifacts::processors,
        )
}

/// What is switched while the integrator runs.
fn switches() -> RouteTable<Management> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "mi.endpoints.switch",
                "POST",
                "/management/endpoints",
                "Activate or deactivate an endpoint",
            ),
            &[MANAGE],
            operations::switch_endpoint,
        )
        .guarded(
            Operation::new("mi.tasks.switch", "POST", "/management/tasks", "Activate or deactivate a task"),
            &[MANAGE],
            operations::switch_task,
        )
        .guarded(
            Operation::new(
                "mi.processors.switch",
                "POST",
                "/management/message-processors",
                "Activate or deactivate a processor",
            ),
            &[MANAGE],
            operations::switch_processor,
        )
        .guarded(get("mi.logging", "/management/logging", "Levels of loggers"), &[VIEW], operations::logging)
        .guarded(
            Operation::new("mi.logging.change", "PATCH", "/management/logging", "Change the level of a logger"),
            &[MANAGE],
            operations::change_logging,
        )
        .guarded(
            get("mi.transactions", "/management/transactions/count", "Messages since the start"),
            &[VIEW],
            operations::transactions,
        )
}

impl Authenticator for Management {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials,
        _requested: Option<&'a TenantDomain>,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        Box::pin(async move {
            let Credentials::Bearer(token) = credentials else { return Err(AuthenticationError::Invalid) };
            let Some(user) = self.accounts.of_token(token.expose()).await else {
                return Err(AuthenticationError::Invalid);
            };
            let domain = "carbon.super".parse().map_err(|_| AuthenticationError::Invalid)?;
            let mut scopes: std::collections::BTreeSet<String> = [VIEW.to_owned()].into();
            if user.is_admin {
                scopes.insert(MANAGE.to_owned());
            }
            let role = if user.is_admin { "admin" } else { "user" };
            Ok(Principal {
                tenant: Tenant { id: TenantId::SUPER, domain, active: true },
                user: user.name,
                roles: [role.to_owned()].into(),
                scopes,
                client: None,
                method: AuthenticationMethod::Bearer,
            })
        })
    }
}
