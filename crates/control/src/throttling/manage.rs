//! Creating, reading, changing and removing policies.

use model::PolicyId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::throttling::{self as policies, ThrottlePolicyRow};
use store::repository::{api, application, subscription};

use super::check::check;
use super::{Level, UNLIMITED};
use crate::field::Field;
use crate::{Actor, Change, Control, ControlError, FaultKind, tenant_config};

/// Custom rules apply to all tenants, so only the super tenant has them.
fn allow_level(actor: &Actor, level: Level) -> Result<(), ControlError> {
    if level == Level::Custom && !actor.tenant().is_super() {
        return Err(ControlError::new(
            FaultKind::Forbidden,
            900_915,
            "Forbidden",
            "Custom rules belong to the super tenant, because they apply to every tenant.",
        ));
    }
    Ok(())
}

/// A policy as the Admin API shows it.
pub(crate) fn shown(row: &ThrottlePolicyRow) -> Value {
    let mut document = json!({"policyId": row.id.to_string()});
    if let (Some(target), Some(source)) = (document.as_object_mut(), row.document.as_object()) {
        target.extend(source.clone());
    }
    document
}

fn unknown(id: PolicyId) -> ControlError {
    ControlError::not_found(format!("There is no throttling policy with the id {id}."))
}

/// Adds a policy and answers it.
pub async fn create(control: &Control, actor: &Actor, level: Level, input: &Value) -> Result<Value, ControlError> {
    allow_level(actor, level)?;
    let checked = check(level, input)?;
    let mut work = control.begin().await?;
    if policies::find_by_name(&mut work, actor.tenant(), level.as_str(), &checked.name).await?.is_some() {
        return Err(exists(&checked.name));
    }
    let row = ThrottlePolicyRow {
        id: PolicyId::new(control.uuid()),
        tenant: actor.tenant(),
        level: level.as_str().to_owned(),
        name: checked.name,
        document: checked.document,
    };
    policies::insert(&mut work, &row, control.now()).await?;
    let target = format!("throttling-policy/{}", row.id);
    control.commit(work, actor, Change::served("admin.throttling.create", &target)).await?;
    Ok(shown(&row))
}

/// 409 for a name that is taken.
pub(crate) fn exists(name: &str) -> ControlError {
    ControlError::conflict(format!("A throttling policy named {name} exists already. Choose another name."))
}

/// One policy.
pub async fn get(control: &Control, actor: &Actor, level: Level, id: PolicyId) -> Result<Value, ControlError> {
    allow_level(actor, level)?;
    let mut work = control.read().await?;
    let row = policies::find(&mut work, actor.tenant(), level.as_str(), id).await?;
    row.as_ref().map(shown).ok_or_else(|| unknown(id))
}

/// All policies of a level: `{count, list}`.
pub async fn list(control: &Control, actor: &Actor, level: Level) -> Result<Value, ControlError> {
    allow_level(actor, level)?;
    let mut work = control.read().await?;
    let rows = policies::list(&mut work, actor.tenant(), level.as_str()).await?;
    Ok(json!({"count": rows.len(), "list": rows.iter().map(shown).collect::<Vec<_>>()}))
}

/// Replaces a policy; its name stays.
pub async fn update(
    control: &Control,
    actor: &Actor,
    level: Level,
    id: PolicyId,
    input: &Value,
) -> Result<Value, ControlError> {
    allow_level(actor, level)?;
    let mut work = control.begin().await?;
    let mut row = policies::find(&mut work, actor.tenant(), level.as_str(), id).await?.ok_or_else(|| unknown(id))?;
    let mut named = input.clone();
    if let Some(object) = named.as_object_mut() {
        object.insert("policyName".into(), json!(row.name));
    }
    row.document = check(level, &named)?.document;
    policies::update(&mut work, row.tenant, row.id, &row.document).await?;
    let target = format!("throttling-policy/{}", row.id);
    control.commit(work, actor, Change::served("admin.throttling.update", &target)).await?;
    Ok(shown(&row))
}

/// Removes a policy that nothing uses.
pub async fn delete(control: &Control, actor: &Actor, level: Level, id: PolicyId) -> Result<(), ControlError> {
    allow_level(actor, level)?;
    let mut work = control.begin().await?;
    let row = policies::find(&mut work, actor.tenant(), level.as_str(), id).await?.ok_or_else(|| unknown(id))?;
    if tenant_config::names_default(&mut work, actor.tenant(), level, &row.name).await? {
        // WSO2 answers 500 here, and its own scenarios look for it.
        return Err(ControlError::new(
            FaultKind::Internal,
            900_967,
            "General Error",
            format!("{} is the default policy of the tenant configuration. Configure another default first.", row.name),
        ));
    }
    if let Some(user) = user_of(&mut work, &row, level).await? {
        return Err(ControlError::forbidden(format!(
            "The policy {} cannot be deleted because {user} uses it. Choose another policy there first.",
            row.name
        )));
    }
    policies::delete(&mut work, actor.tenant(), id).await?;
    let target = format!("throttling-policy/{id}");
    control.commit(work, actor, Change::served("admin.throttling.delete", &target)).await
}

/// What uses a policy, in words.
async fn user_of(work: &mut UnitOfWork, row: &ThrottlePolicyRow, level: Level) -> Result<Option<String>, ControlError> {
    let found = match level {
        Level::Application => {
            let count = application::count_with_policy(work, row.tenant, &row.name).await?;
            (count > 0).then(|| "an application".to_owned())
        }
        Level::Subscription => {
            let count = subscription::count_with_plan(work, row.tenant, &row.name).await?;
            (count > 0).then(|| "a subscription".to_owned())
        }
        Level::Advanced => {
            let users = api::with_facet(work, row.tenant, "=limit", &row.name).await?;
            users.first().map(|(_, name, version)| format!("the API {name} {version}"))
        }
        Level::Custom => None,
    };
    Ok(found)
}

/// Short entries of all levels, or of one: the Admin API's search (`query=type:all|app|sub|api|global`).
pub(crate) async fn search(control: &Control, actor: &Actor, query: &str) -> Result<Value, ControlError> {
    let wanted = query.strip_prefix("type:").unwrap_or(query).trim();
    let mut list = Vec::new();
    let mut work = control.read().await?;
    for (short, level) in super::exchange::TYPES {
        let hidden = level == Level::Custom && !actor.tenant().is_super();
        if hidden || !(matches!(wanted, "" | "all") || wanted == short) {
            continue;
        }
        for row in policies::list(&mut work, actor.tenant(), level.as_str()).await? {
            list.push(json!({
                "uuid": row.id.to_string(),
                "policyName": row.name,
                "displayName": row.document.at("displayName"),
                "description": row.document.at("description"),
                "isDeployed": true,
                "type": short,
            }));
        }
    }
    Ok(json!({"count": list.len(), "list": list}))
}

/// Whether a name can be used at a level.
pub(crate) async fn is_usable(
    control: &Control,
    work: &mut UnitOfWork,
    tenant: model::TenantId,
    level: Level,
    name: &str,
) -> Result<bool, ControlError> {
    if name == UNLIMITED {
        return Ok(control.settings().portal.unlimited_tier);
    }
    Ok(policies::find_by_name(work, tenant, level.as_str(), name).await?.is_some())
}
