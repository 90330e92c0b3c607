//! `/scim2/Users`.

use std::sync::Arc;

use axum::http::StatusCode;
use model::{Secret, UserId};
use serde_json::{Map, Value, json};
use web::{Answer, Call, Operation, Permit, RouteTable, no_content};

use super::scim::{
    PatchOperation, ScimError, Verb, created, equality_filter, list, location, meta, page, patch, resource,
};
use super::scim_path::{Path, normalised, without_core};
use crate::{Identity, NewUser, User};

const USERS: &str = "/scim2/Users";
const ONE: &str = "/scim2/Users/{userId}";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Attributes that the server makes itself; what a client sends for them is ignored (RFC 7643 section 7, readOnly).
const READ_ONLY: [&str; 5] = ["id", "meta", "schemas", "groups", "roles"];
/// Attributes with a meaning of their own.
const SPECIAL: [&str; 3] = ["userName", "password", "active"];

pub(super) fn routes() -> RouteTable<Identity> {
    RouteTable::new()
        .guarded(Operation::new("scim.users.list", "GET", USERS, "Lists users"), &["internal_user_mgt_list"], find)
        .guarded(
            Operation::new("scim.users.create", "POST", USERS, "Creates a user"),
            &["internal_user_mgt_create"],
            create,
        )
        .guarded(Operation::new("scim.users.get", "GET", ONE, "Shows a user"), &["internal_user_mgt_view"], show)
        .guarded(
            Operation::new("scim.users.patch", "PATCH", ONE, "Changes a user in part"),
            &["internal_user_mgt_update"],
            change,
        )
        .guarded(
            Operation::new("scim.users.replace", "PUT", ONE, "Replaces a user's attributes"),
            &["internal_user_mgt_update"],
            replace,
        )
        .guarded(
            Operation::new("scim.users.delete", "DELETE", ONE, "Removes a user"),
            &["internal_user_mgt_delete"],
            delete,
        )
}

fn described(identity: &Identity, permit: &Permit, user: &User) -> Value {
    let id = user.id.to_string();
    let mut document = user.attributes.clone();
    let mut schemas = vec![SCHEMA.to_owned()];
    schemas.extend(document.keys().filter(|k| k.starts_with("urn:")).cloned());
    let groups: Vec<Value> = user
        .roles
        .iter()
        .map(|(id, name)| json!({"display": name, "value": id, "$ref": location(identity, permit, "Groups", id)}))
        .collect();
    document.insert("schemas".into(), json!(schemas));
    document.insert("id".into(), json!(id));
    document.insert("userName".into(), json!(user.name));
    document.insert("active".into(), json!(!user.locked));
    document.insert("groups".into(), json!(groups));
    let address = location(identity, permit, "Users", &id);
    document.insert("meta".into(), meta("User", &address, user.created_at, user.updated_at));
    Value::Object(document)
}

async fn find(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let (offset, count) = page(&call)?;
    let (users, total) = match equality_filter(&call, "userName")? {
        Some(name) => {
            let found: Vec<User> = identity.find_user(permit.tenant(), &name).await?.into_iter().collect();
            let total = i64::from(!found.is_empty());
            (found, total)
        }
        None => identity.users(permit.tenant(), offset, count).await?,
    };
    let resources: Vec<Value> = users.iter().map(|u| described(&identity, &permit, u)).collect();
    Ok(list(total, offset, &resources))
}

async fn show(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let user = identity.user(permit.tenant(), call.path_id("userId")?).await?;
    Ok(resource(StatusCode::OK, &described(&identity, &permit, &user)))
}

/// Brings a resource into the one form that the rest understands: attributes of the core schema without its name in
/// front, and those with a meaning of their own in the spelling of RFC 7643, whatever the client's (section 2.1).
fn core(document: Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    let mut found = Map::new();
    for (name, value) in document {
        match value {
            Value::Object(inner) if name.eq_ignore_ascii_case(SCHEMA) => {
                for (name, value) in inner {
                    put(&mut found, &name, value)?;
                }
            }
            value => put(&mut found, without_core(&name), value)?,
        }
    }
    Ok(found)
}

fn put(found: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), ScimError> {
    let known = READ_ONLY.iter().chain(&SPECIAL).find(|known| known.eq_ignore_ascii_case(name));
    let name = known.copied().unwrap_or(name);
    if found.insert(name.to_owned(), value).is_some() {
        // Two spellings of one attribute: nobody can say which counts.
        return Err(ScimError::invalid("invalidSyntax", format!("The attribute {name} is sent more than once.")));
    }
    Ok(())
}

/// The attributes of a resource that are stored as they are.
fn stored_attributes(document: &Map<String, Value>) -> Map<String, Value> {
    document
        .iter()
        .filter(|(name, value)| {
            !value.is_null() && !READ_ONLY.iter().chain(&SPECIAL).any(|known| known.eq_ignore_ascii_case(name))
        })
        .map(|(name, value)| (name.clone(), normalised(name, value.clone())))
        .collect()
}

fn text<'a>(document: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    document.get(name).and_then(Value::as_str)
}

async fn create(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let identity = identity.permitted(&permit);
    let document = core(call.json()?)?;
    let need = |name: &str| {
        text(&document, name)
            .ok_or_else(|| ScimError::invalid("invalidValue", format!("The attribute {name} is missing.")))
    };
    let new = NewUser {
        name: need("userName")?.to_owned(),
        password: Secret::new(need("password")?.to_owned()),
        attributes: stored_attributes(&document),
        roles: Vec::new(),
    };
    let user = identity.create_user(permit.tenant(), new).await?;
    if document.get("active") == Some(&Value::Bool(false)) {
        identity.lock_user(permit.tenant(), user.id).await?;
    }
    let user = identity.user(permit.tenant(), user.id).await?;
    Ok(created(&described(&identity, &permit, &user)))
}

/// What a PATCH or PUT comes to, checked as a whole before anything is stored.
struct Change {
    attributes: Map<String, Value>,
    password: Option<Secret<String>>,
    active: Option<bool>,
}

impl Change {
    fn special(&mut self, user: &User, name: &str, verb: Verb, value: Option<&Value>) -> Result<(), ScimError> {
        let fixed = |what: &str| ScimError::invalid("mutability", format!("The attribute {what} cannot be changed."));
        if verb == Verb::Remove {
            return Err(fixed(name));
        }
        match name.to_ascii_lowercase().as_str() {
            "password" => {
                let password = value.and_then(Value::as_str).map(str::to_owned);
                let password =
                    password.ok_or_else(|| ScimError::invalid("invalidValue", "The password must be a text."))?;
                self.password = Some(Secret::new(password));
            }
            "active" => {
                let active = match value {
                    Some(Value::Bool(active)) => Some(*active),
                    Some(Value::String(text)) => text.to_ascii_lowercase().parse().ok(),
                    _ => None,
                };
                self.active =
                    Some(active.ok_or_else(|| ScimError::invalid("invalidValue", "active is true or false."))?);
            }
            _ if value.and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(&user.name)) => {}
            _ => return Err(fixed(name)),
        }
        Ok(())
    }

    fn operation(&mut self, user: &User, operation: PatchOperation) -> Result<(), ScimError> {
        let verb = operation.verb()?;
        let Some(path) = operation.path.filter(|p| !p.is_empty() && !p.eq_ignore_ascii_case(SCHEMA)) else {
            let Some(Value::Object(members)) = operation.value else {
                return Err(ScimError::invalid("noTarget", "An operation without a path has an object as its value."));
            };
            for (name, value) in core(members)? {
                self.member(user, verb, &name, value)?;
            }
            return Ok(());
        };
        let path = Path::parse(&path)?;
        if let Some(name) = SPECIAL.iter().find(|s| path.is_core(s)) {
            return self.special(user, name, verb, operation.value.as_ref());
        }
        if path.names_password() {
            return Err(ScimError::invalid("invalidPath", "The password of a user is the attribute password."));
        }
        if READ_ONLY.iter().any(|r| path.attribute.eq_ignore_ascii_case(r)) {
            let text = format!("The attribute {} is read-only here; change groups at /scim2/Groups.", path.attribute);
            return Err(ScimError::invalid("mutability", text));
        }
        path.apply(&mut self.attributes, verb, operation.value)
    }

    fn member(&mut self, user: &User, verb: Verb, name: &str, value: Value) -> Result<(), ScimError> {
        if let Some(special) = SPECIAL.iter().find(|s| s.eq_ignore_ascii_case(name)) {
            return self.special(user, special, verb, Some(&value));
        }
        if READ_ONLY.iter().any(|r| r.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        // The name of an extension stands for an object of attributes.
        if let (true, Value::Object(inner)) = (name.starts_with("urn:"), &value) {
            for (attribute, value) in inner.clone() {
                self.plain(&Path::parse(&format!("{name}:{attribute}"))?, verb, value)?;
            }
            return Ok(());
        }
        self.plain(&Path::parse(name)?, verb, value)
    }

    /// An attribute that must turn out to have no meaning of its own once its name is understood.
    fn plain(&mut self, path: &Path, verb: Verb, value: Value) -> Result<(), ScimError> {
        if path.names_password() || READ_ONLY.iter().chain(&SPECIAL).any(|known| path.is_core(known)) {
            return Err(ScimError::invalid("invalidPath", "This attribute belongs at the top of the user itself."));
        }
        path.apply(&mut self.attributes, verb, Some(value))
    }

    async fn store(self, identity: &Identity, permit: &Permit, user: &User) -> Result<(), ScimError> {
        if let Some(password) = &self.password {
            identity.check_new_password(crate::user::local_part(&user.name), password).await?;
        }
        if self.attributes != user.attributes {
            identity.set_attributes(permit.tenant(), user.id, &self.attributes).await?;
        }
        if let Some(password) = &self.password {
            identity.reset_password(permit.tenant(), user.id, password).await?;
        }
        match self.active {
            Some(true) if user.locked || user.locked_until.is_some() => {
                identity.unlock_user(permit.tenant(), user.id).await?;
            }
            Some(false) if !user.locked => identity.lock_user(permit.tenant(), user.id).await?,
            _ => {}
        }
        Ok(())
    }
}

async fn change(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let identity = identity.permitted(&permit);
    let id: UserId = call.path_id("userId")?;
    let user = identity.user_in_reach(&permit, id).await?;
    let mut change = Change { attributes: user.attributes.clone(), password: None, active: None };
    for operation in patch(&call)? {
        change.operation(&user, operation)?;
    }
    change.store(&identity, &permit, &user).await?;
    let user = identity.user(permit.tenant(), id).await?;
    Ok(resource(StatusCode::OK, &described(&identity, &permit, &user)))
}

async fn replace(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let identity = identity.permitted(&permit);
    let id: UserId = call.path_id("userId")?;
    let user = identity.user_in_reach(&permit, id).await?;
    let document = core(call.json()?)?;
    let mut change = Change { attributes: stored_attributes(&document), password: None, active: None };
    for name in SPECIAL {
        if let Some(value) = document.get(name).filter(|v| !v.is_null()) {
            change.special(&user, name, Verb::Replace, Some(value))?;
        }
    }
    change.store(&identity, &permit, &user).await?;
    let user = identity.user(permit.tenant(), id).await?;
    Ok(resource(StatusCode::OK, &described(&identity, &permit, &user)))
}

async fn delete(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, ScimError> {
    let user = identity.user_in_reach(&permit, call.path_id("userId")?).await?;
    identity.permitted(&permit).delete_user(permit.tenant(), user.id).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}
