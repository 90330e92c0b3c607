//! Rulesets as they are managed.

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::catalogue::{self, ItemKind, ItemRow};

use super::ruleset::{MAX_BYTES, Ruleset};
use super::{commit, find, names, refused, stamped};
use crate::api::page::Page;
use crate::field::Field;
use crate::{Actor, Control, ControlError, FaultKind};

const KIND: ItemKind = ItemKind::GovernanceRuleset;
/// Most rulesets of a tenant.
const MAX: usize = 100;
const CATEGORIES: [&str; 1] = ["SPECTRAL"];
const TYPES: [&str; 3] = ["API_METADATA", "API_DEFINITION", "API_DOCUMENTATION"];
/// Kinds of APIs that a ruleset can be about.
pub(super) const ARTIFACTS: [&str; 6] = ["ALL_API", "REST_API", "ASYNC_API", "GRAPHQL_API", "SOAP_API", "MCP"];

/// Without the rules, which have an operation of their own.
fn shown(row: &ItemRow) -> Value {
    let mut document = row.document.clone();
    if let Some(fields) = document.as_object_mut() {
        fields.shift_remove("content");
    }
    document
}

/// A ruleset as it is stored, of the parts of a form.
fn checked(
    control: &Control,
    actor: &Actor,
    id: &str,
    text: impl Fn(&str) -> String,
    old: Option<&Value>,
) -> Result<(String, Value), ControlError> {
    let mut faults = Vec::new();
    let (name, description) = names(&text, &mut faults);
    let mut word = |field: &str, known: &[&str]| {
        let given = text(field);
        if !known.contains(&given.as_str()) {
            faults.push(format!("{field}: {}.", known.join(", ")));
        }
        given
    };
    let category = match text("ruleCategory") {
        given if given.is_empty() => "SPECTRAL".to_owned(),
        _ => word("ruleCategory", &CATEGORIES),
    };
    let (kind, artifact) = (word("ruleType", &TYPES), word("artifactType", &ARTIFACTS));
    let link = text("documentationLink");
    if !link.is_empty() && (link.len() > 1000 || !(link.starts_with("https://") || link.starts_with("http://"))) {
        faults.push("documentationLink: an http or https URL.".to_owned());
    }
    if !faults.is_empty() {
        return Err(refused(400, "Bad Request", &faults));
    }
    let content = text("rulesetContent");
    if content.len() > MAX_BYTES {
        return Err(refused(
            990_120,
            "Invalid ruleset content",
            &[format!("A ruleset has at most {MAX_BYTES} bytes.")],
        ));
    }
    if let Err(faults) = Ruleset::parse(content.as_bytes()) {
        let message = format!("Invalid ruleset content. {}", faults.first().map(String::as_str).unwrap_or_default());
        return Err(refused(990_120, &message, &faults));
    }
    let mut document = json!({
        "id": id,
        "name": name,
        "description": description,
        "ruleCategory": category,
        "ruleType": kind,
        "artifactType": artifact,
        "documentationLink": link,
        "provider": match text("provider") {
            provider if provider.is_empty() => actor.name(),
            provider => provider.chars().take(255).collect(),
        },
        "content": content,
    });
    stamped(control, actor, &mut document, old);
    Ok((name, document))
}

async fn refuse_namesake(
    work: &mut UnitOfWork,
    actor: &Actor,
    name: &str,
    id: Option<uuid::Uuid>,
) -> Result<(), ControlError> {
    match catalogue::find_by_name(work, KIND, actor.tenant(), name).await? {
        Some(other) if Some(other.id) != id => {
            Err(ControlError::conflict(format!("There is a ruleset named {name} already.")).with_code(990_119))
        }
        _ => Ok(()),
    }
}

/// `{count, list, pagination}`.
pub(crate) async fn list(control: &Control, actor: &Actor, page: &Page) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.read().await?;
    Ok(page.answer(catalogue::list(&mut work, KIND, actor.tenant()).await?.iter().map(shown).collect()))
}

/// One ruleset.
pub(crate) async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    Ok(shown(&find(&mut work, actor, KIND, id).await?))
}

/// Its rules as they were sent.
pub(crate) async fn content(control: &Control, actor: &Actor, id: &str) -> Result<String, ControlError> {
    let mut work = control.read().await?;
    let row = find(&mut work, actor, KIND, id).await?;
    Ok(row.document.at("content").as_str().unwrap_or_default().to_owned())
}

/// Ids of the policies that it is part of.
pub(crate) async fn usage(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let row = find(&mut work, actor, KIND, id).await?;
    let list: Vec<String> = users(&mut work, &row).await?.into_iter().map(|policy| policy.id.to_string()).collect();
    Ok(json!({"count": list.len(), "list": list}))
}

async fn users(work: &mut UnitOfWork, row: &ItemRow) -> Result<Vec<ItemRow>, ControlError> {
    let id = row.id.to_string();
    let mut policies = catalogue::list(work, ItemKind::GovernancePolicy, row.tenant).await?;
    policies.retain(|policy| policy.document.at("rulesets").as_array().into_iter().flatten().any(|used| *used == id));
    Ok(policies)
}

/// Adds a ruleset; `text` gives the parts of the form.
pub(crate) async fn create(
    control: &Control,
    actor: &Actor,
    text: impl Fn(&str) -> String,
) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let id = control.uuid();
    let (name, document) = checked(control, actor, &id.to_string(), text, None)?;
    let mut work = control.begin().await?;
    refuse_namesake(&mut work, actor, &name, None).await?;
    if catalogue::list(&mut work, KIND, actor.tenant()).await?.len() >= MAX {
        return Err(ControlError::conflict(format!("A tenant has at most {MAX} rulesets.")));
    }
    let row = ItemRow { id, tenant: actor.tenant(), name, document };
    catalogue::insert(&mut work, KIND, &row, control.now()).await?;
    commit(control, work, actor, "governance.rulesets.create", &format!("ruleset/{id}")).await?;
    Ok(shown(&row))
}

/// Replaces a ruleset; without new rules it keeps those it has.
pub(crate) async fn update(
    control: &Control,
    actor: &Actor,
    id: &str,
    text: impl Fn(&str) -> String,
) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let old = find(&mut work, actor, KIND, id).await?;
    let text = |field: &str| match (text(field), field) {
        (given, "rulesetContent") if given.trim().is_empty() => {
            old.document.at("content").as_str().unwrap_or_default().to_owned()
        }
        (given, _) => given,
    };
    let (name, document) = checked(control, actor, id, text, Some(&old.document))?;
    refuse_namesake(&mut work, actor, &name, Some(old.id)).await?;
    let row = ItemRow { name, document, ..old };
    catalogue::update(&mut work, KIND, &row).await?;
    commit(control, work, actor, "governance.rulesets.update", &format!("ruleset/{id}")).await?;
    Ok(shown(&row))
}

/// Removes a ruleset that no policy uses.
pub(crate) async fn delete(control: &Control, actor: &Actor, id: &str) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let row = find(&mut work, actor, KIND, id).await?;
    if let Some(policy) = users(&mut work, &row).await?.first() {
        let text = format!("The policy {} uses this ruleset. Take it out of the policy first.", policy.name);
        return Err(ControlError::new(FaultKind::Conflict, 990_101, "Ruleset is associated with policies", text));
    }
    catalogue::delete(&mut work, KIND, actor.tenant(), row.id).await?;
    commit(control, work, actor, "governance.rulesets.delete", &format!("ruleset/{id}")).await
}
