//! Scopes of the management APIs, the roles they are bound to, and role aliases.
//!
//! An alias makes further roles count like a role. The bindings that are in force hold the aliases; the bindings without
//! them are kept while there are aliases, so that taking an alias away leaves exactly what was there before.

use std::collections::BTreeMap;

use model::TenantId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::tenant::{self, ScopeBindingRow};
use store::repository::tenant_setting;

use crate::field::Field;
use crate::{Actor, Change, Control, ControlError};

const ALIASES: &str = "role-aliases";
const BASE: &str = "system-scopes-without-aliases";

type Bindings = BTreeMap<String, Vec<String>>;

/// The scopes of the management APIs with their roles, without what aliases add.
pub(crate) async fn bindings(work: &mut UnitOfWork, tenant: TenantId) -> Result<Bindings, ControlError> {
    if let Some(base) = tenant_setting::find(work, tenant, BASE).await? {
        return serde_json::from_value(base).map_err(|e| ControlError::internal(e.to_string()));
    }
    let rows = tenant::scope_bindings(work, tenant).await?;
    Ok(rows.into_values().filter(|row| row.system).map(|row| (row.scope, row.roles)).collect())
}

/// Replaces the roles of the named scopes; others stay as they are.
///
/// # Errors
/// 400 for an unknown scope, and for taking `apim:admin` from the role `admin`, after which nobody could undo it.
pub(crate) async fn replace(
    work: &mut UnitOfWork,
    tenant: TenantId,
    wanted: Vec<(String, Vec<String>)>,
) -> Result<(), ControlError> {
    let mut base = bindings(work, tenant).await?;
    let mut faults = Vec::new();
    for (scope, roles) in wanted {
        if scope == "apim:admin" && !roles.iter().any(|role| role == "admin") {
            faults.push("apim:admin: the role admin must keep it, or nobody could change this again.".to_owned());
        }
        match base.get_mut(&scope) {
            Some(entry) => *entry = roles,
            None => faults.push(format!("{scope}: there is no such scope.")),
        }
    }
    if !faults.is_empty() {
        return Err(crate::throttling::check::refused(faults));
    }
    apply(work, tenant, &base).await
}

/// Puts bindings plus aliases in force.
async fn apply(work: &mut UnitOfWork, tenant: TenantId, base: &Bindings) -> Result<(), ControlError> {
    let aliases = aliases_of(work, tenant).await?;
    for (scope, roles) in base {
        let mut all = roles.clone();
        for role in roles {
            let further = aliases.get(role).map(Vec::as_slice).unwrap_or_default();
            all.extend(further.iter().filter(|alias| !roles.contains(alias)).cloned());
        }
        all.dedup();
        let binding = ScopeBindingRow { scope: scope.clone(), system: true, roles: all };
        tenant::bind_scope(work, tenant, &binding).await?;
    }
    let kept = if aliases.is_empty() { Value::Null } else { json!(base) };
    Ok(tenant_setting::put_or_remove(work, tenant, BASE, &kept).await?)
}

async fn aliases_of(work: &mut UnitOfWork, tenant: TenantId) -> Result<Bindings, ControlError> {
    match tenant_setting::find(work, tenant, ALIASES).await? {
        Some(value) => serde_json::from_value(value).map_err(|e| ControlError::internal(e.to_string())),
        None => Ok(Bindings::new()),
    }
}

/// `{count, list: [{tag, name, description, roles}]}`.
pub async fn list(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let list: Vec<Value> = bindings(&mut work, actor.tenant()).await?.iter().map(|(n, r)| shown(n, r)).collect();
    Ok(json!({"count": list.len(), "list": list}))
}

fn shown(name: &str, roles: &[String]) -> Value {
    let tag = match name.split_once(':') {
        Some(("service_catalog", _)) => "service-catalog",
        Some((_, rest)) if rest.starts_with("admin") => "admin",
        _ => "apim",
    };
    json!({"tag": tag, "name": name, "description": "", "roles": roles})
}

/// One scope; with a user name, whether that user's roles give it is not decided here.
pub async fn get(control: &Control, actor: &Actor, name: &str) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let found = bindings(&mut work, actor.tenant()).await?;
    let roles = found.get(name).ok_or_else(|| ControlError::not_found(format!("There is no scope {name:?}.")))?;
    Ok(shown(name, roles))
}

/// Replaces the roles of the scopes in `{list: [{name, roles}]}`.
pub async fn put(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let entries = input.at("list").as_array().ok_or_else(|| ControlError::invalid("list: is missing."))?;
    let wanted = entries
        .iter()
        .take(1000)
        .map(|entry| (entry.at("name").as_str().unwrap_or_default().to_owned(), texts(entry.at("roles"))))
        .collect();
    let mut work = control.begin().await?;
    replace(&mut work, actor.tenant(), wanted).await?;
    control.commit(work, actor, Change::managed("admin.system-scopes.update", "system-scopes")).await?;
    list(control, actor).await
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().take(1000).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `{count, list: [{role, aliases}]}`.
pub(crate) async fn role_aliases(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let aliases = aliases_of(&mut work, actor.tenant()).await?;
    let list: Vec<Value> = aliases.iter().map(|(role, names)| json!({"role": role, "aliases": names})).collect();
    Ok(json!({"count": list.len(), "list": list}))
}

/// Replaces all role aliases.
pub(crate) async fn put_role_aliases(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let entries = input.at("list").as_array().ok_or_else(|| ControlError::invalid("list: is missing."))?;
    let mut aliases = Bindings::new();
    for entry in entries.iter().take(1000) {
        let role = entry.at("role").as_str().unwrap_or_default();
        if role.is_empty() || role.len() > 255 {
            return Err(ControlError::invalid("role: a role name."));
        }
        aliases.insert(role.to_owned(), texts(entry.at("aliases")));
    }
    let mut work = control.begin().await?;
    let base = bindings(&mut work, actor.tenant()).await?;
    tenant_setting::put(&mut work, actor.tenant(), ALIASES, &json!(aliases)).await?;
    apply(&mut work, actor.tenant(), &base).await?;
    control.commit(work, actor, Change::managed("admin.role-aliases.update", "role-aliases")).await?;
    role_aliases(control, actor).await
}
