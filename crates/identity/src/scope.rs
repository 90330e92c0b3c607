//! Scopes: which roles may have which (WSO2: `RESTAPIScopes` of the tenant configuration), and what a token gets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{TenantId, Timestamp};
use store::UnitOfWork;
use store::repository::tenant::{self as tenants, ScopeBindingRow};

use crate::{Identity, IdentityError};

/// The scope of a token that asked for none, or got none of those it asked for.
pub(crate) const DEFAULT_SCOPE: &str = "default";
/// Scopes with these beginnings belong to the product: without a binding nobody gets them.
/// Scopes that no API binds (OpenID Connect Core 5.4, 11).
const OF_OPENID: [&str; 7] = [DEFAULT_SCOPE, "openid", "profile", "email", "phone", "groups", "offline_access"];
const RESERVED: [&str; 3] = ["apim:", "service_catalog:", "internal_"];
/// Caps of one request (WSO2's and Keycloak's long-scope advisories).
const MAX_SCOPES: usize = 200;
const MAX_SCOPE_TEXT: usize = 8 * 1024;
/// How long a table read from the store is used; other nodes' changes arrive within it.
const TABLE_AGE: Duration = Duration::from_secs(5);
/// Tenants whose tables are kept in memory.
const MAX_TABLES: usize = 256;

const ADMIN: &str = "admin";
const CREATOR: &str = "Internal/creator";
const PUBLISHER: &str = "Internal/publisher";
const SUBSCRIBER: &str = "Internal/subscriber";
const DEVOPS: &str = "Internal/devops";
const OBSERVER: &str = "Internal/observer";
const DEVELOPER: &str = "Internal/integration_dev";
const ANALYTICS: &str = "Internal/analytics";

/// Built-in roles of every tenant.
pub(crate) const BUILT_IN_ROLES: [&str; 9] =
    [ADMIN, CREATOR, PUBLISHER, SUBSCRIBER, DEVOPS, OBSERVER, DEVELOPER, ANALYTICS, EVERYONE];
/// The role that every user has.
pub(crate) const EVERYONE: &str = "Internal/everyone";

/// Who may have a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeBinding {
    /// The scope.
    pub scope: String,
    /// Whether it belongs to the management APIs.
    pub system: bool,
    /// Roles, any of which is enough.
    pub roles: Vec<String>,
}

/// Scopes by the roles that have them on first boot. `admin` has all of them and is not repeated.
const GROUPS: &[(&[&str], &[&str])] = &[
    (
        &[],
        &[
            "apim:admin",
            "apim:admin_alert_manage",
            "apim:admin_application_view",
            "apim:admin_operations",
            "apim:admin_settings",
            "apim:admin_tier_manage",
            "apim:admin_tier_view",
            "apim:api_category",
            "apim:api_manage",
            "apim:api_provider_change",
            "apim:api_workflow_approve",
            "apim:api_workflow_view",
            "apim:app_owner_change",
            "apim:app_settings_change",
            "apim:bl_manage",
            "apim:bl_view",
            "apim:bot_data",
            "apim:comment_manage",
            "apim:common_operation_policy_manage",
            "apim:environment_manage",
            "apim:environment_read",
            "apim:gateway_policy_manage",
            "apim:gov_policy_manage",
            "apim:gov_rule_manage",
            "apim:keymanagers_manage",
            "apim:label_manage",
            "apim:label_read",
            "apim:llm_provider_manage",
            "apim:mediation_policy_create",
            "apim:mediation_policy_manage",
            "apim:monetization_usage_publish",
            "apim:organization_manage",
            "apim:organization_read",
            "apim:role_manage",
            "apim:scope_manage",
            "apim:shared_scope_manage",
            "apim:tenantInfo",
            "apim:tenant_theme_manage",
            "apim:tier_manage",
            "internal_group_mgt_create",
            "internal_group_mgt_delete",
            "internal_group_mgt_update",
            "internal_group_mgt_view",
            "internal_list_tenants",
            "internal_modify_tenants",
            "internal_oauth2_introspect",
            "internal_idp_create",
            "internal_idp_delete",
            "internal_idp_update",
            "internal_idp_view",
            "internal_user_mgt_create",
            "internal_user_mgt_delete",
            "internal_user_mgt_list",
            "internal_user_mgt_update",
            "internal_user_mgt_view",
            "internal_userstore_create",
            "internal_userstore_delete",
            "internal_userstore_view",
        ],
    ),
    (&[PUBLISHER], &["apim:api_publish", "apim:subscription_approval_manage", "apim:subscription_approval_view"]),
    (
        &[CREATOR],
        &[
            "apim:api_create",
            "apim:api_delete",
            "apim:client_certificates_add",
            "apim:client_certificates_manage",
            "apim:client_certificates_update",
            "apim:client_certificates_view",
            "apim:document_create",
            "apim:ep_certificates_add",
            "apim:ep_certificates_manage",
            "apim:ep_certificates_update",
            "apim:ep_certificates_view",
            "apim:mcp_server_create",
            "apim:mcp_server_delete",
            "apim:publisher_organization_read",
            "apim:threat_protection_policy_create",
            "apim:threat_protection_policy_manage",
        ],
    ),
    (
        &[CREATOR, PUBLISHER],
        &[
            "apim:api_generate_key",
            "apim:comment_write",
            "apim:document_manage",
            "apim:llm_provider_read",
            "apim:mcp_server_manage",
            "apim:mediation_policy_view",
            "apim:pub_alert_manage",
            "apim:subscription_block",
            "apim:subscription_manage",
        ],
    ),
    (&[PUBLISHER, DEVOPS], &["apim:mcp_server_publish"]),
    (
        &[CREATOR, PUBLISHER, OBSERVER, ANALYTICS, DEVOPS],
        &["apim:api_list_view", "apim:api_view", "apim:mcp_server_list_view", "apim:mcp_server_view"],
    ),
    (
        &[CREATOR, PUBLISHER, OBSERVER],
        &[
            "apim:api_definition_view",
            "apim:api_metadata_view",
            "apim:comment_view",
            "apim:common_operation_policy_view",
            "apim:gateway_policy_view",
            "apim:gov_policy_read",
            "apim:gov_result_read",
            "apim:gov_rule_read",
            "apim:publisher_settings",
            "apim:subscription_view",
            "apim:tier_view",
        ],
    ),
    (
        &[SUBSCRIBER, DEVOPS],
        &[
            "apim:api_key",
            "apim:app_manage",
            "apim:prod_key_manage",
            "apim:sandbox_key_manage",
            "apim:store_settings",
            "apim:sub_alert_manage",
            "apim:sub_manage",
            "apim:subscribe",
        ],
    ),
    (
        &[DEVOPS],
        &[
            "apim:api_import_export",
            "apim:api_product_import_export",
            "apim:app_import_export",
            "apim:mcp_server_import_export",
            "apim:policies_import_export",
        ],
    ),
    (&[CREATOR, PUBLISHER, DEVELOPER], &["service_catalog:service_view"]),
    (&[CREATOR, DEVELOPER], &["service_catalog:service_write"]),
    (
        &[CREATOR, PUBLISHER, SUBSCRIBER, DEVOPS, OBSERVER, DEVELOPER, ANALYTICS],
        &["internal_dcr_create", "internal_dcr_delete", "internal_dcr_update", "internal_dcr_view"],
    ),
];

/// The scopes of the management APIs with the roles that have them on first boot, in the order of their names.
pub fn system_scopes() -> BTreeMap<&'static str, Vec<&'static str>> {
    let with_admin = |roles: &[&'static str]| std::iter::once(ADMIN).chain(roles.iter().copied()).collect();
    GROUPS.iter().flat_map(|(roles, scopes)| scopes.iter().map(move |s| (*s, with_admin(roles)))).collect()
}

/// A tenant's bindings as they were at one time.
pub(crate) struct ScopeTable {
    bindings: BTreeMap<String, ScopeBindingRow>,
}

impl ScopeTable {
    /// Whether somebody with these roles may have the scope. A scope that is bound to no role and that is not the product's
    /// is free for all, as in WSO2: APIs check it, and only applications that know it ask for it.
    pub(crate) fn allows(&self, scope: &str, roles: &BTreeSet<String>) -> bool {
        match self.bindings.get(scope) {
            Some(binding) if binding.roles.is_empty() && !binding.system => !is_reserved(scope),
            Some(binding) => binding.roles.iter().any(|r| roles.iter().any(|own| own.eq_ignore_ascii_case(r))),
            None => !is_reserved(scope),
        }
    }

    /// Every system scope that the roles allow: what basic authentication carries.
    pub(crate) fn all_of(&self, roles: &BTreeSet<String>) -> BTreeSet<String> {
        self.bindings.values().filter(|b| b.system && self.allows(&b.scope, roles)).map(|b| b.scope.clone()).collect()
    }

    /// Every system scope.
    pub(crate) fn system(&self) -> BTreeSet<String> {
        self.bindings.values().filter(|b| b.system).map(|b| b.scope.clone()).collect()
    }

    /// Those of the wanted scopes that may be granted; the others are left out, as WSO2 does.
    pub(crate) fn grant(
        &self,
        wanted: &BTreeSet<String>,
        roles: &BTreeSet<String>,
        management: bool,
    ) -> BTreeSet<String> {
        let mut granted: BTreeSet<String> =
            wanted.iter().filter(|s| self.allows(s, roles) && (management || !self.is_system(s))).cloned().collect();
        if granted.is_empty() {
            granted.insert(DEFAULT_SCOPE.to_owned());
        }
        granted
    }

    fn is_system(&self, scope: &str) -> bool {
        is_reserved(scope) || self.bindings.get(scope).is_some_and(|b| b.system)
    }
}

fn is_reserved(scope: &str) -> bool {
    RESERVED.iter().any(|p| scope.starts_with(p))
}

/// Reads the `scope` parameter (RFC 6749 section 3.3).
pub(crate) fn parse(text: &str) -> Result<BTreeSet<String>, String> {
    if text.len() > MAX_SCOPE_TEXT {
        return Err(format!("The scope parameter has at most {MAX_SCOPE_TEXT} bytes."));
    }
    let allowed = |c: char| matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    let scopes: BTreeSet<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    if scopes.len() > MAX_SCOPES {
        return Err(format!("At most {MAX_SCOPES} scopes can be asked for at once."));
    }
    match scopes.iter().find(|s| !s.chars().all(allowed)) {
        Some(_) => Err("A scope contains a character that is not allowed in scopes.".to_owned()),
        None => Ok(scopes),
    }
}

/// Recently read tables, per tenant.
#[derive(Default)]
pub(crate) struct ScopeTables {
    kept: Mutex<HashMap<TenantId, (Timestamp, Arc<ScopeTable>)>>,
}

impl ScopeTables {
    fn get(&self, tenant: TenantId, now: Timestamp) -> Option<Arc<ScopeTable>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&tenant).filter(|(read, _)| now.since(*read) < TABLE_AGE).map(|(_, table)| Arc::clone(table))
    }

    fn put(&self, tenant: TenantId, now: Timestamp, table: &Arc<ScopeTable>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_TABLES {
            kept.clear();
        }
        kept.insert(tenant, (now, Arc::clone(table)));
    }

    pub(crate) fn forget(&self, tenant: TenantId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }
}

impl Identity {
    pub(crate) async fn scope_table(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
    ) -> Result<Arc<ScopeTable>, IdentityError> {
        let now = self.now();
        if let Some(table) = self.scope_tables.get(tenant, now) {
            return Ok(table);
        }
        let table = Arc::new(ScopeTable { bindings: tenants::scope_bindings(work, tenant).await? });
        self.scope_tables.put(tenant, now, &table);
        Ok(table)
    }

    /// As [`Identity::scope_table`], for granting scopes. Those of APIs are bound by the control plane at any time, and an
    /// unbound scope is free for all: where one is wanted the table is read anew.
    pub(crate) async fn scope_table_for(
        &self,
        work: &mut UnitOfWork,
        tenant: TenantId,
        wanted: &BTreeSet<String>,
    ) -> Result<Arc<ScopeTable>, IdentityError> {
        let table = self.scope_table(work, tenant).await?;
        let known = |scope: &String| OF_OPENID.contains(&scope.as_str()) || table.is_system(scope);
        if wanted.iter().all(known) {
            return Ok(table);
        }
        self.scope_tables.forget(tenant);
        self.scope_table(work, tenant).await
    }

    /// All bindings of a tenant, in the order of the scopes.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn scope_bindings(&self, tenant: TenantId) -> Result<Vec<ScopeBinding>, IdentityError> {
        let mut work = self.database.read().await?;
        let rows = tenants::scope_bindings(&mut work, tenant).await?;
        Ok(rows.into_values().map(|b| ScopeBinding { scope: b.scope, system: b.system, roles: b.roles }).collect())
    }

    /// Binds a scope to roles. With `system` it is one of the management APIs, which must exist; `admin` always keeps it.
    /// Without, it is one that an API or a shared scope defines; an empty list of roles leaves it free for all.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for a reserved or malformed scope.
    pub async fn bind_scope(
        &self,
        tenant: TenantId,
        scope: &str,
        system: bool,
        roles: &[String],
    ) -> Result<(), IdentityError> {
        if parse(scope).map_err(IdentityError::Invalid)?.len() != 1 {
            return Err(IdentityError::invalid("Name exactly one scope."));
        }
        let mut work = self.database.begin().await?;
        let known = tenants::scope_bindings(&mut work, tenant).await?.get(scope).is_some_and(|b| b.system);
        match (system, known) {
            (true, false) => {
                return Err(IdentityError::not_found(format!("{scope} is no scope of the management APIs.")));
            }
            (false, true) => {
                return Err(IdentityError::conflict(format!("{scope} is a scope of the management APIs.")));
            }
            (false, false) if is_reserved(scope) => {
                return Err(IdentityError::invalid(format!("Scopes that start like {scope} belong to the product.")));
            }
            _ => {}
        }
        let mut roles = roles.to_vec();
        if system && !roles.iter().any(|r| r.eq_ignore_ascii_case(ADMIN)) {
            roles.insert(0, ADMIN.to_owned());
        }
        if !system && roles.is_empty() {
            tenants::unbind_scope(&mut work, tenant, scope).await?;
        } else {
            tenants::bind_scope(&mut work, tenant, &ScopeBindingRow { scope: scope.to_owned(), system, roles }).await?;
        }
        work.save().await?;
        self.scope_tables.forget(tenant);
        Ok(())
    }

    /// Removes the binding of an API's scope; those of the management APIs stay.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn unbind_scope(&self, tenant: TenantId, scope: &str) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        tenants::unbind_scope(&mut work, tenant, scope).await?;
        work.save().await?;
        self.scope_tables.forget(tenant);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_SCOPE, GROUPS, ScopeTable, parse, system_scopes};
    use std::collections::BTreeSet;
    use store::repository::tenant::ScopeBindingRow;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    fn table() -> ScopeTable {
        let bindings = system_scopes()
            .into_iter()
            .map(|(s, r)| (s, true, r))
            .chain([
                ("orders:write", false, vec!["clerk"]),
                ("orders:read", false, vec![]),
                ("apim:own", false, vec![]),
            ])
            .map(|(scope, system, roles)| {
                let roles = roles.iter().map(|r| (*r).to_owned()).collect();
                (scope.to_owned(), ScopeBindingRow { scope: scope.to_owned(), system, roles })
            })
            .collect();
        ScopeTable { bindings }
    }

    #[test]
    fn no_scope_is_listed_twice() {
        let listed: usize = GROUPS.iter().map(|(_, scopes)| scopes.len()).sum();
        assert_eq!(listed, system_scopes().len());
    }

    #[test]
    fn roles_decide_and_nothing_is_escalated() {
        let table = table();
        let creator = set(&["internal/CREATOR", "Internal/everyone"]);
        let wanted =
            set(&["apim:api_create", "apim:api_publish", "apim:admin", "apim:unknown", "internal_new", "PRODUCTION"]);
        assert_eq!(table.grant(&wanted, &creator, true), set(&["PRODUCTION", "apim:api_create"]));
        assert_eq!(table.grant(&wanted, &creator, false), set(&["PRODUCTION"]));
        assert_eq!(table.grant(&set(&["apim:admin"]), &creator, true), set(&[DEFAULT_SCOPE]));
        assert_eq!(table.grant(&set(&["orders:write"]), &creator, true), set(&[DEFAULT_SCOPE]));
        assert_eq!(table.grant(&set(&["orders:write"]), &set(&["clerk"]), false), set(&["orders:write"]));
        // Bound to no role: free for all, unless its name is the product's.
        assert_eq!(table.grant(&set(&["orders:read", "apim:own"]), &creator, true), set(&["orders:read"]));
        assert!(table.all_of(&set(&["Internal/everyone"])).is_empty());
        assert_eq!(table.all_of(&set(&["admin"])), table.system());
    }

    #[test]
    fn hostile_scope_parameters_are_refused() {
        assert_eq!(parse(" a  b a ").unwrap(), set(&["a", "b"]));
        assert!(parse("a\"b").is_err());
        assert!(parse("a\\b").is_err());
        assert!(parse("ü").is_err());
        assert!(parse(&"x".repeat(9000)).is_err());
        assert!(parse(&(0..300).map(|n| format!("s{n} ")).collect::<String>()).is_err());
    }
}
