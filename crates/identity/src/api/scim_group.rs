//! `/scim2/Groups`. A group is a role.

use std::sync::Arc;

use axum::http::StatusCode;
use model::UserId;
use serde_json::{Map, Value, json};
use web::{Answer, Call, Operation, Permit, RouteTable, no_content};

use super::scim::{
    PatchOperation, ScimError, Verb, created, equality_filter, list, location, meta, page, patch, resource,
};
use super::scim_path::Path;
use crate::role::MemberChange;
use crate::{Identity, Role};

const GROUPS: &str = "/scim2/Groups";
const ONE: &str = "/scim2/Groups/{groupId}";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Most members that one request names.
const MAX_MEMBERS: usize = 10_000;

pub(super) fn routes() -> RouteTable<Identity> {
    let view = &["internal_group_mgt_view"];
    let update = &["internal_group_mgt_update"];
    RouteTable::new()
        .guarded(Operation::new("scim.groups.list", "GET", GROUPS, "Lists roles"), view, find)
        .guarded(
            Operation::new("scim.groups.create", "POST", GROUPS, "Creates a role"),
            &["internal_group_mgt_create"],
            create,
        )
        .guarded(Operation::new("scim.groups.get", "GET", ONE, "Shows a role"), view, show)
        .guarded(Operation::new("scim.groups.patch", "PATCH", ONE, "Changes a role in part"), update, change)
        .guarded(Operation::new("scim.groups.replace", "PUT", ONE, "Replaces a role's members"), update, replace)
        .guarded(
            Operation::new("scim.groups.delete", "DELETE", ONE, "Removes a role"),
            &["internal_group_mgt_delete"],
            delete,
        )
}

fn described(identity: &Identity, permit: &Permit, role: &Role) -> Value {
    let members: Vec<Value> = role
        .members
        .iter()
        .map(|(id, name)| {
            let id = id.to_string();
            json!({"display": name, "value": id, "$ref": location(identity, permit, "Users", &id)})
        })
        .collect();
    let address = location(identity, permit, "Groups", &role.id);
    json!({
        "schemas": [SCHEMA],
        "id": role.id,
        "displayName": role.name,
        "members": members,
        "meta": meta("Group", &address, role.created_at, role.updated_at),
    })
}

async fn find(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let (offset, count) = page(&call)?;
    if let Some(name) = equality_filter(&call, "displayName")? {
        let found = identity.find_role(permit.tenant(), &name).await?;
        let resources: Vec<Value> = found.iter().map(|r| described(&identity, &permit, r)).collect();
        return Ok(list(i64::from(!resources.is_empty()), offset, &resources));
    }
    let roles = identity.roles(permit.tenant()).await?;
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(count).unwrap_or(0);
    let page: Vec<Value> = roles.iter().skip(skip).take(take).map(|r| described(&identity, &permit, r)).collect();
    Ok(list(i64::try_from(roles.len()).unwrap_or(i64::MAX), offset, &page))
}

async fn show(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let role = identity.role(permit.tenant(), call.path("groupId")?).await?;
    Ok(resource(StatusCode::OK, &described(&identity, &permit, &role)))
}

/// The users that a list of members names by their ids.
fn members(value: Option<&Value>) -> Result<Vec<UserId>, ScimError> {
    let wrong = || ScimError::invalid("invalidValue", "members is a list of objects whose value is a user's id.");
    let entries = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(single) => vec![single],
    };
    if entries.len() > MAX_MEMBERS {
        return Err(ScimError::invalid("tooMany", format!("At most {MAX_MEMBERS} members at once.")));
    }
    entries
        .into_iter()
        .map(|e| e.get("value").and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or_else(wrong))
        .collect()
}

async fn create(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let document: Map<String, Value> = call.json()?;
    let name = document.get("displayName").and_then(Value::as_str);
    let name = name.ok_or_else(|| ScimError::invalid("invalidValue", "The attribute displayName is missing."))?;
    let members = members(document.get("members"))?;
    // Scopes may be bound to a name that no role has yet.
    identity.role_in_reach(&permit, name).await?;
    let role = identity.permitted(&permit).create_role(permit.tenant(), name, &members).await?;
    Ok(created(&described(&identity, &permit, &role)))
}

/// One step of a change.
enum Step {
    Rename(String),
    Members(MemberChange),
}

fn steps(operation: &PatchOperation) -> Result<Vec<Step>, ScimError> {
    let verb = operation.verb()?;
    let Some(path) = operation.path.as_deref().filter(|p| !p.is_empty()) else {
        let Some(Value::Object(parts)) = &operation.value else {
            return Err(ScimError::invalid("noTarget", "An operation without a path has an object as its value."));
        };
        return parts.iter().map(|(name, value)| step(verb, name, Some(value))).collect();
    };
    let parsed = Path::parse(path)?;
    if let Some(id) = parsed.filtered("members", "value") {
        let user = id.parse().map_err(|_| ScimError::invalid("noTarget", "There is no such member."))?;
        return match verb {
            Verb::Remove => Ok(vec![Step::Members(MemberChange::Remove(vec![user]))]),
            _ => Err(ScimError::invalid("invalidPath", "A single member can be removed; use members to add.")),
        };
    }
    step(verb, path, operation.value.as_ref()).map(|s| vec![s])
}

fn step(verb: Verb, path: &str, value: Option<&Value>) -> Result<Step, ScimError> {
    match (path.to_ascii_lowercase().as_str(), verb) {
        ("members", Verb::Add) => Ok(Step::Members(MemberChange::Add(members(value)?))),
        ("members", Verb::Replace) => Ok(Step::Members(MemberChange::Replace(members(value)?))),
        ("members", Verb::Remove) => match value {
            None | Some(Value::Null) => Ok(Step::Members(MemberChange::Replace(Vec::new()))),
            some => Ok(Step::Members(MemberChange::Remove(members(some)?))),
        },
        ("displayname", Verb::Add | Verb::Replace) => {
            let name = value.and_then(Value::as_str);
            let name = name.ok_or_else(|| ScimError::invalid("invalidValue", "displayName is a text."))?;
            Ok(Step::Rename(name.to_owned()))
        }
        _ => Err(ScimError::invalid("invalidPath", "A group has the attributes displayName and members.")),
    }
}

async fn change(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let identity = identity.permitted(&permit);
    let id = call.path("groupId")?.to_owned();
    let role = identity.role(permit.tenant(), &id).await?;
    identity.role_in_reach(&permit, &role.name).await?;
    // Every operation is understood before the first is carried out.
    let mut all = Vec::new();
    for operation in patch(&call)? {
        all.extend(steps(&operation)?);
    }
    for step in &all {
        if let Step::Rename(name) = step {
            identity.role_in_reach(&permit, name).await?;
        }
    }
    for step in all {
        match step {
            Step::Rename(name) => identity.rename_role(permit.tenant(), &id, &name).await?,
            Step::Members(change) => identity.change_members(permit.tenant(), &id, change).await?,
        }
    }
    let role = identity.role(permit.tenant(), &id).await?;
    Ok(resource(StatusCode::OK, &described(&identity, &permit, &role)))
}

async fn replace(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let identity = identity.permitted(&permit);
    let id = call.path("groupId")?.to_owned();
    let document: Map<String, Value> = call.json()?;
    let members = members(document.get("members"))?;
    let role = identity.role(permit.tenant(), &id).await?;
    identity.role_in_reach(&permit, &role.name).await?;
    if let Some(name) = document.get("displayName").and_then(Value::as_str) {
        identity.role_in_reach(&permit, name).await?;
        identity.rename_role(permit.tenant(), &id, name).await?;
    }
    identity.change_members(permit.tenant(), &id, MemberChange::Replace(members)).await?;
    let role = identity.role(permit.tenant(), &id).await?;
    Ok(resource(StatusCode::OK, &described(&identity, &permit, &role)))
}

async fn delete(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let role = identity.role(permit.tenant(), call.path("groupId")?).await?;
    identity.role_in_reach(&permit, &role.name).await?;
    identity.permitted(&permit).delete_role(permit.tenant(), &role.id).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}
