//! Rules of an API object that need the database: uniqueness, existing plans, roles, scopes and policies.

use std::collections::BTreeMap;

use model::snapshot::PolicyUse;
use model::{ApiDocument, ApiId, TenantId};
use policy::Flow;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api;
use store::repository::tenant::{self, ScopeBindingRow};
use store::repository::{operation_policy, role, shared_scope};

use crate::document::{Faults, seal_policy_secrets};
use crate::tenant_config;
use crate::throttling::{self, Level};
use crate::{Actor, ControlError, FaultKind, Sealer};

/// A definition that a new API is made of may be written for another installation and name limits that do not exist
/// here: those become the default, which the operations of the answer show. The API is not deployed yet.
pub(super) async fn settle_tiers(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &mut ApiDocument,
) -> Result<(), ControlError> {
    let known = throttling::names(work, tenant, Level::Advanced, true).await?;
    let name = document.name().to_owned();
    let Some(Value::Array(operations)) = document.fields_mut().get_mut("operations") else { return Ok(()) };
    for operation in operations.iter_mut().filter_map(Value::as_object_mut) {
        let Some(tier) = operation.get("throttlingPolicy").and_then(Value::as_str) else { continue };
        if !known.iter().any(|k| k == tier) {
            tracing::warn!(api = %name, %tier, "the definition names a throttling policy that does not exist");
            operation.shift_remove("throttlingPolicy");
        }
    }
    Ok(())
}

/// Operations without a limit get the tenant's default: `Unlimited` unless the installation has no such policy.
async fn fill_tiers(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &mut ApiDocument,
    unlimited: bool,
) -> Result<(), ControlError> {
    let default = tenant_config::default_policy(work, tenant, Level::Advanced, unlimited).await?;
    let Some(Value::Array(operations)) = document.fields_mut().get_mut("operations") else { return Ok(()) };
    for operation in operations.iter_mut().filter_map(Value::as_object_mut) {
        if operation.get("throttlingPolicy").is_none_or(Value::is_null) {
            operation.insert("throttlingPolicy".to_owned(), default.as_str().into());
        }
    }
    Ok(())
}

/// Name, version and context must not belong to another API.
///
/// # Errors
/// 409 with WSO2's codes; 400 when the name exists with another context.
pub(super) async fn check_unique(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &ApiDocument,
) -> Result<(), ControlError> {
    let (name, version, context) = (document.name(), document.version(), document.context());
    let versions = api::versions(work, tenant, name).await?;
    if let Some(other) = versions.iter().find(|v| v.name != name) {
        let text = format!("An API with name '{}' already exists", other.name);
        return Err(ControlError::new(FaultKind::Conflict, 900_250, "The API name already exists.", text));
    }
    if versions.iter().any(|v| v.version == version) {
        return Err(version_exists(name, version));
    }
    if let Some(other) = versions.iter().find(|v| !v.context.eq_ignore_ascii_case(context)) {
        return Err(ControlError::new(
            FaultKind::Invalid,
            900_346,
            "Invalid context provided",
            format!(
                "Invalid context provided for API: {name}:{version}. All versions share the context {}",
                other.context
            ),
        ));
    }
    let taken = api::with_context(work, tenant, context).await?;
    if taken.iter().any(|v| !v.name.eq_ignore_ascii_case(name)) {
        let text = format!("An API with context '{context}' already exists");
        return Err(ControlError::new(FaultKind::Conflict, 900_251, "The API context already exists.", text));
    }
    check_full_context(work, tenant, document).await
}

/// `/a/1` with version `2` and `/a` with version `1/2`, or a template, may make the same full path.
async fn check_full_context(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &ApiDocument,
) -> Result<(), ControlError> {
    let full = document.versioned_context();
    if !api::with_path(work, tenant, &full).await?.is_empty() {
        let text = format!("An API with context '{full}' already exists");
        return Err(ControlError::new(FaultKind::Conflict, 900_251, "The API context already exists.", text));
    }
    Ok(())
}

/// The answer for a version that exists.
pub(super) fn version_exists(name: &str, version: &str) -> ControlError {
    ControlError::new(
        FaultKind::Conflict,
        900_252,
        "The API version already exists.",
        format!("An API with version '{version}' already exists for API '{name}'"),
    )
}

/// Plans, roles, scopes and policies must exist. Plans that vanished since `stored` was written are dropped.
///
/// # Errors
/// 400 with all faults.
pub(super) async fn check_references(
    work: &mut UnitOfWork,
    actor: &Actor,
    document: &mut ApiDocument,
    stored: Option<&ApiDocument>,
    unlimited: bool,
) -> Result<(), ControlError> {
    let mut faults = Faults::default();
    let plans = throttling::names(work, actor.tenant(), Level::Subscription, unlimited).await?;
    check_plans(&plans, document, stored, &mut faults);
    fill_tiers(work, actor.tenant(), document, unlimited).await?;
    let tiers = throttling::names(work, actor.tenant(), Level::Advanced, unlimited).await?;
    check_tiers(&tiers, document, stored, &mut faults);
    check_roles(work, actor.tenant(), document, &mut faults).await?;
    check_scopes(work, actor.tenant(), document, &mut faults).await?;
    check_scope_owners(work, actor.tenant(), document, &mut faults).await?;
    check_policies(work, actor.tenant(), document, &mut faults).await?;
    faults.into_result()
}

fn check_plans(known: &[String], document: &mut ApiDocument, stored: Option<&ApiDocument>, faults: &mut Faults) {
    let had: Vec<&str> = stored.map(ApiDocument::plans).unwrap_or_default();
    let mut kept = Vec::new();
    for plan in document.plans() {
        if known.iter().any(|k| k == plan) {
            kept.push(Value::from(plan));
        } else if !had.contains(&plan) {
            faults.add(900_305, "The tier name is invalid.", format!("policies: there is no business plan {plan}"));
        }
    }
    document.set("policies", kept);
}

fn check_tiers(known: &[String], document: &ApiDocument, stored: Option<&ApiDocument>, faults: &mut Faults) {
    let tiers = |api: &ApiDocument| -> Vec<String> {
        let of_operations = api.operations().iter().filter_map(|o| o.get("throttlingPolicy")?.as_str());
        of_operations.chain(std::iter::once(api.text("apiThrottlingPolicy"))).map(str::to_owned).collect()
    };
    let had = stored.map(tiers).unwrap_or_default();
    for name in tiers(document).into_iter().filter(|n| !n.is_empty()) {
        if !known.contains(&name) && !had.contains(&name) {
            faults.add(900_305, "The tier name is invalid.", format!("throttlingPolicy: there is no policy {name}"));
        }
    }
}

async fn check_roles(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &ApiDocument,
    faults: &mut Faults,
) -> Result<(), ControlError> {
    for field in ["visibleRoles", "accessControlRoles"] {
        for name in document.texts(field) {
            if role::by_name(work, tenant, name).await?.is_none() {
                faults.add(
                    900_602,
                    "Non existing roles cannot be added to an API",
                    format!("{field}: there is no role {name}"),
                );
            }
        }
    }
    Ok(())
}

/// Every scope of an operation is declared by the API or shared by the tenant, and none is a scope of the product.
async fn check_scopes(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &mut ApiDocument,
    faults: &mut Faults,
) -> Result<(), ControlError> {
    let mut declared: Vec<Value> = document.items("scopes").to_vec();
    let name_of = |entry: &Value| entry.get("scope").and_then(|s| s.get("name")?.as_str()).map(str::to_owned);
    for operation in document.operations() {
        for scope in operation.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if declared.iter().any(|d| name_of(d).as_deref() == Some(scope)) {
                continue;
            }
            match shared_scope::find_name(work, tenant, scope).await? {
                Some(row) => {
                    let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
                    declared.push(json!({"scope": body, "shared": true}));
                }
                None => faults.field("operations", &format!("the scope {scope} is not among the API's scopes")),
            }
        }
    }
    let bindings = tenant::scope_bindings(work, tenant).await?;
    for entry in &mut declared {
        let Some(name) = name_of(entry) else {
            faults.field("scopes", "every entry needs scope.name");
            continue;
        };
        if bindings.get(&name).is_some_and(|b| b.system) {
            faults.field("scopes", &format!("{name} is a scope of the management APIs and cannot be redefined"));
        }
        if name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '\\') || name.len() > 255 {
            faults.field("scopes", &format!("{name:?} holds characters that a scope must not have (RFC 6749, 3.3)"));
        }
        let shared = shared_scope::find_name(work, tenant, &name).await?.is_some();
        if let Value::Object(fields) = entry {
            fields.insert("shared".to_owned(), shared.into());
        }
        for role_name in roles_of(entry) {
            if role::by_name(work, tenant, &role_name).await?.is_none() {
                faults.add(
                    900_602,
                    "Non existing roles cannot be added to an API",
                    format!("scopes: there is no role {role_name}"),
                );
            }
        }
    }
    document.set("scopes", declared);
    Ok(())
}

/// A scope that is not shared belongs to one API with its versions: whoever could declare the scope of another API would
/// decide which roles may call that API. What counts is what the others' working copies and deployed revisions declare.
pub(super) async fn check_scope_owners(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &ApiDocument,
    faults: &mut Faults,
) -> Result<(), ControlError> {
    for entry in document.items("scopes") {
        let Some(name) = entry.get("scope").and_then(|s| s.get("name")?.as_str()) else { continue };
        if shared_scope::find_name(work, tenant, name).await?.is_some() {
            continue;
        }
        for (owner, stored) in api::others_with_scope(work, tenant, document.name(), name).await? {
            let other: ApiDocument = serde_json::from_str(&stored)
                .map_err(|e| ControlError::internal(format!("a stored object of the API {owner} is damaged: {e}")))?;
            let declares = |e: &Value| e.get("scope").and_then(|s| s.get("name")?.as_str()) == Some(name);
            if other.items("scopes").iter().any(declares) {
                faults.field(
                    "scopes",
                    &format!(
                        "the scope {name} is already assigned locally by another API. Choose another name, or ask an \
                         administrator for a shared scope"
                    ),
                );
                break;
            }
        }
    }
    Ok(())
}

fn roles_of(entry: &Value) -> Vec<String> {
    let roles = entry.get("scope").and_then(|s| s.get("bindings")?.as_array());
    roles.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Makes the API's own scopes known to the authorisation server.
pub(super) async fn bind_scopes(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &ApiDocument,
) -> Result<(), ControlError> {
    let bindings = tenant::scope_bindings(work, tenant).await?;
    for entry in document.items("scopes") {
        let Some(name) = entry.get("scope").and_then(|s| s.get("name")?.as_str()) else { continue };
        let shared = entry.get("shared").and_then(Value::as_bool).unwrap_or(false);
        if shared || bindings.get(name).is_some_and(|b| b.system) {
            continue;
        }
        let binding = ScopeBindingRow { scope: name.to_owned(), system: false, roles: roles_of(entry) };
        tenant::bind_scope(work, tenant, &binding).await?;
    }
    Ok(())
}

/// The policies of one flow.
pub(crate) fn policy_uses(flows: Option<&Value>, flow: &str) -> Vec<PolicyUse> {
    let entries = flows.and_then(|f| f.get(flow)).and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .map(|entry| {
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let parameters: BTreeMap<String, Value> = entry
                .get("parameters")
                .and_then(Value::as_object)
                .map(|p| p.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
                .unwrap_or_default();
            PolicyUse { name: text("policyName"), version: text("policyVersion"), parameters }
        })
        .collect()
}

async fn check_policies(
    work: &mut UnitOfWork,
    tenant: TenantId,
    document: &ApiDocument,
    faults: &mut Faults,
) -> Result<(), ControlError> {
    let mut custom: Vec<_> = operation_policy::list(work, tenant, "").await?;
    if !document.text("id").is_empty() {
        custom.extend(operation_policy::list(work, tenant, document.text("id")).await?);
    }
    let sources = document
        .operations()
        .iter()
        .map(|o| o.get("operationPolicies"))
        .chain(std::iter::once(document.get("apiPolicies")));
    for flows in sources {
        for (name, flow) in [("request", Flow::Request), ("response", Flow::Response), ("fault", Flow::Fault)] {
            for r#use in policy_uses(flows, name) {
                let own = custom
                    .iter()
                    .find(|p| p.name == r#use.name && (r#use.version.is_empty() || p.version == r#use.version));
                match own {
                    Some(own) => missing_attributes(&own.body, &r#use, faults),
                    None => {
                        if let Err(fault) = policy::compile(&r#use, flow) {
                            faults.add(400, "Bad Request", format!("operationPolicies: {fault}"));
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// Seals the secret attributes of the tenant's and the API's own policies.
///
/// # Errors
/// 400 for a blank one that cannot be kept.
pub(super) async fn seal_policies(
    work: &mut UnitOfWork,
    sealer: &dyn Sealer,
    row: (TenantId, ApiId),
    document: &mut ApiDocument,
    stored: Option<&ApiDocument>,
) -> Result<(), ControlError> {
    let (tenant, id) = row;
    let mut own = operation_policy::list(work, tenant, &id.to_string()).await?;
    own.extend(operation_policy::list(work, tenant, "").await?);
    let is_secret = |name: &str, version: &str, attribute: &str| {
        let found = own.iter().find(|p| p.name == name && (version.is_empty() || p.version == version));
        let body: Value = found.and_then(|p| serde_json::from_str(&p.body).ok()).unwrap_or_default();
        let attributes = body.get("policyAttributes").and_then(Value::as_array).into_iter().flatten();
        let text = |a: &Value, field: &str| a.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        attributes.into_iter().any(|a| text(a, "name") == attribute && text(a, "type").eq_ignore_ascii_case("Secret"))
    };
    seal_policy_secrets(sealer, id, document, stored, &is_secret)
}

/// Required attributes of a tenant's own policy.
fn missing_attributes(body: &str, r#use: &PolicyUse, faults: &mut Faults) {
    let specification: Value = serde_json::from_str(body).unwrap_or_default();
    let attributes = specification.get("policyAttributes").and_then(Value::as_array);
    for attribute in attributes.into_iter().flatten() {
        let name = attribute.get("name").and_then(Value::as_str).unwrap_or_default();
        let required = attribute.get("required").and_then(Value::as_bool).unwrap_or(false);
        if required && r#use.parameters.get(name).is_none_or(Value::is_null) {
            faults.field("operationPolicies", &format!("{} needs the attribute {name}", r#use.name));
        }
    }
}
