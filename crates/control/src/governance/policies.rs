//! Policies: which rulesets count in which states, and what they block.

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::catalogue::{self, ItemKind, ItemRow};

use super::{STATES, commit, find, names, refused, stamped};
use crate::api::page::Page;
use crate::field::Field;
use crate::{Actor, Control, ControlError};

const KIND: ItemKind = ItemKind::GovernancePolicy;
/// Most policies of a tenant.
const MAX: usize = 100;

/// Texts of a list.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str).collect()
}

async fn checked(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    (id, old): (&str, Option<&ItemRow>),
    input: &Value,
) -> Result<(String, Value), ControlError> {
    let mut faults = Vec::new();
    let (name, description) = names(|field| input.at(field).as_str().unwrap_or_default().to_owned(), &mut faults);
    let states = texts(input.at("governableStates"));
    if states.is_empty() || states.iter().any(|state| !STATES.contains(state)) {
        faults.push(format!("governableStates: one or more of {}.", STATES.join(", ")));
    }
    let labels = if input.at("labels").is_null() { vec!["global"] } else { texts(input.at("labels")) };
    if labels != ["global"] {
        faults.push("labels: only \"global\", which is every API of the tenant.".to_owned());
    }
    let rulesets = texts(input.at("rulesets"));
    if rulesets.is_empty() || rulesets.len() > 50 {
        faults.push("rulesets: the ids of 1 to 50 rulesets.".to_owned());
    }
    for ruleset in &rulesets {
        let known = match ruleset.parse() {
            Ok(id) => catalogue::find(work, ItemKind::GovernanceRuleset, actor.tenant(), id).await?.is_some(),
            Err(_) => false,
        };
        if !known {
            faults.push(format!("rulesets: there is no ruleset with the id {ruleset}."));
        }
    }
    let actions = input.at("actions").as_array().cloned().unwrap_or_default();
    for action in &actions {
        faults.extend(fault_of(action, &states));
    }
    if actions.len() > 24 {
        faults.push("actions: at most one for each state and severity.".to_owned());
    }
    if !faults.is_empty() {
        return Err(refused(990_400, "Bad Request", &faults));
    }
    match catalogue::find_by_name(work, KIND, actor.tenant(), &name).await? {
        Some(other) if old.is_none_or(|old| old.id != other.id) => {
            return Err(ControlError::conflict(format!("There is a policy named {name} already.")).with_code(990_209));
        }
        _ => {}
    }
    let mut document = json!({
        "id": id,
        "name": name,
        "description": description,
        "governableStates": states,
        "rulesets": rulesets,
        "labels": labels,
        "actions": actions
            .iter()
            .map(|action| json!({"state": action.at("state"), "ruleSeverity": action.at("ruleSeverity"), "type": action.at("type")}))
            .collect::<Vec<_>>(),
    });
    stamped(control, actor, &mut document, old.map(|old| &old.document));
    Ok((name, document))
}

/// What is wrong with an action.
fn fault_of(action: &Value, states: &[&str]) -> Option<String> {
    let text = |field: &str| action.at(field).as_str().unwrap_or_default();
    let (state, kind) = (text("state"), text("type"));
    if !states.contains(&state) {
        return Some(format!("actions: the policy is not about the state {state:?}."));
    }
    if !["ERROR", "WARN", "INFO"].contains(&text("ruleSeverity")) {
        return Some("actions: ruleSeverity is ERROR, WARN or INFO.".to_owned());
    }
    match kind {
        "NOTIFY" => None,
        // A draft that could not be saved could not be put right either.
        "BLOCK" if state == "API_CREATE" || state == "API_UPDATE" => {
            Some(format!("actions: {state} cannot be blocked, only API_DEPLOY and API_PUBLISH."))
        }
        "BLOCK" => None,
        _ => Some("actions: type is BLOCK or NOTIFY.".to_owned()),
    }
}

/// `{count, list, pagination}`.
pub(crate) async fn list(control: &Control, actor: &Actor, page: &Page) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.read().await?;
    let rows = catalogue::list(&mut work, KIND, actor.tenant()).await?;
    Ok(page.answer(rows.into_iter().map(|row| row.document).collect()))
}

/// One policy.
pub(crate) async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    Ok(find(&mut work, actor, KIND, id).await?.document)
}

/// Adds a policy.
pub(crate) async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.begin().await?;
    let id = control.uuid();
    let (name, document) = checked(control, &mut work, actor, (&id.to_string(), None), input).await?;
    if catalogue::list(&mut work, KIND, actor.tenant()).await?.len() >= MAX {
        return Err(ControlError::conflict(format!("A tenant has at most {MAX} governance policies.")));
    }
    let row = ItemRow { id, tenant: actor.tenant(), name, document };
    catalogue::insert(&mut work, KIND, &row, control.now()).await?;
    commit(control, work, actor, "governance.policies.create", &format!("governance-policy/{id}")).await?;
    Ok(row.document)
}

/// Replaces a policy.
pub(crate) async fn update(control: &Control, actor: &Actor, id: &str, input: &Value) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let old = find(&mut work, actor, KIND, id).await?;
    let (name, document) = checked(control, &mut work, actor, (id, Some(&old)), input).await?;
    let row = ItemRow { name, document, ..old };
    catalogue::update(&mut work, KIND, &row).await?;
    commit(control, work, actor, "governance.policies.update", &format!("governance-policy/{id}")).await?;
    Ok(row.document)
}

/// Removes a policy.
pub(crate) async fn delete(control: &Control, actor: &Actor, id: &str) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let row = find(&mut work, actor, KIND, id).await?;
    catalogue::delete(&mut work, KIND, actor.tenant(), row.id).await?;
    commit(control, work, actor, "governance.policies.delete", &format!("governance-policy/{id}")).await
}
