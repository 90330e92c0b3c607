//! Scopes shared by the APIs of a tenant.

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::shared_scope::{self, SharedScopeRow};
use store::repository::tenant::{self, ScopeBindingRow};
use store::repository::{api, role};

use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Most shared scopes of a tenant.
const MAX_SCOPES: usize = 5000;

impl Control {
    /// All shared scopes by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn shared_scopes(&self, actor: &Actor) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        let used = api::facet_counts(&mut work, actor.tenant(), "=scope").await?;
        let rows = shared_scope::list(&mut work, actor.tenant()).await?;
        rows.iter().map(|row| object(row, used.get(&row.name).copied().unwrap_or(0))).collect()
    }

    /// One shared scope.
    ///
    /// # Errors
    /// 404.
    pub async fn shared_scope(&self, actor: &Actor, id: &str) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        object(&find(&mut work, actor, id).await?, 0)
    }

    /// Adds a shared scope.
    ///
    /// # Errors
    /// 400 for wrong fields, unknown roles and scopes of the product; 409 when the name is taken.
    pub async fn create_shared_scope(&self, actor: &Actor, given: &Value) -> Result<Value, ControlError> {
        let mut work = self.begin().await?;
        let body = checked(&mut work, actor, given, None).await?;
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if tenant::scope_bindings(&mut work, actor.tenant()).await?.contains_key(&name)
            || shared_scope::find_name(&mut work, actor.tenant(), &name).await?.is_some()
        {
            return Err(ControlError::new(
                FaultKind::Conflict,
                900_986,
                "Scope already exists",
                format!("The scope {name} exists already"),
            ));
        }
        if shared_scope::list(&mut work, actor.tenant()).await?.len() >= MAX_SCOPES {
            return Err(ControlError::conflict(format!("A tenant has at most {MAX_SCOPES} shared scopes.")));
        }
        let row = SharedScopeRow { id: self.uuid().to_string(), tenant: actor.tenant(), name, body: body.to_string() };
        shared_scope::insert(&mut work, &row).await?;
        bind(&mut work, actor, &row, &body).await?;
        let target = format!("scope/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.scopes.create", &target)).await?;
        object(&row, 0)
    }

    /// Replaces display name, description and roles; the name stays.
    ///
    /// # Errors
    /// 400 for wrong fields; 404.
    pub async fn update_shared_scope(&self, actor: &Actor, id: &str, given: &Value) -> Result<Value, ControlError> {
        let mut work = self.begin().await?;
        let mut row = find(&mut work, actor, id).await?;
        let body = checked(&mut work, actor, given, Some(&row.name)).await?;
        row.body = body.to_string();
        shared_scope::update(&mut work, &row).await?;
        bind(&mut work, actor, &row, &body).await?;
        let target = format!("scope/{id}");
        self.commit(work, actor, Change::managed("publisher.scopes.update", &target)).await?;
        object(&row, 0)
    }

    /// Removes a shared scope that no API uses.
    ///
    /// # Errors
    /// 409 while it is used; 404.
    pub async fn delete_shared_scope(&self, actor: &Actor, id: &str) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        let row = find(&mut work, actor, id).await?;
        if let Some(user) = usage(&mut work, actor, &row.name).await?.first() {
            return Err(ControlError::conflict(format!("The scope {} is used by the API {user}.", row.name)));
        }
        shared_scope::delete(&mut work, actor.tenant(), id).await?;
        tenant::unbind_scope(&mut work, actor.tenant(), &row.name).await?;
        let target = format!("scope/{id}");
        self.commit(work, actor, Change::managed("publisher.scopes.delete", &target)).await
    }

    /// Whether a scope of this name exists, shared or of an API or of the product.
    ///
    /// # Errors
    /// 404 when it does not.
    pub async fn scope_exists(&self, actor: &Actor, name: &str) -> Result<(), ControlError> {
        let mut work = self.read().await?;
        let known = tenant::scope_bindings(&mut work, actor.tenant()).await?.contains_key(name)
            || shared_scope::find_name(&mut work, actor.tenant(), name).await?.is_some();
        if known { Ok(()) } else { Err(ControlError::not_found(format!("There is no scope {name}."))) }
    }

    /// Whether the tenant has a role of this name.
    ///
    /// # Errors
    /// 404 when it does not.
    pub async fn role_exists(&self, actor: &Actor, name: &str) -> Result<(), ControlError> {
        let mut work = self.read().await?;
        match role::by_name(&mut work, actor.tenant(), name).await? {
            Some(_) => Ok(()),
            None => Err(ControlError::not_found(format!("There is no role {name}."))),
        }
    }
}

async fn usage(work: &mut UnitOfWork, actor: &Actor, scope: &str) -> Result<Vec<String>, ControlError> {
    let users = api::with_facet(work, actor.tenant(), "=scope", scope).await?;
    Ok(users.into_iter().map(|(_, name, version)| format!("{name} {version}")).collect())
}

async fn find(work: &mut UnitOfWork, actor: &Actor, id: &str) -> Result<SharedScopeRow, ControlError> {
    shared_scope::find(work, actor.tenant(), id)
        .await?
        .ok_or_else(|| ControlError::not_found(format!("There is no shared scope with the id {id:?}.")))
}

async fn checked(
    work: &mut UnitOfWork,
    actor: &Actor,
    given: &Value,
    fixed_name: Option<&str>,
) -> Result<Value, ControlError> {
    let get = |field: &str| given.get(field).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let name = fixed_name.map_or_else(|| get("name"), str::to_owned);
    let mut faults = crate::document::Faults::default();
    let allowed = |c: char| matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        faults.field("name", "it has 1 to 255 characters, no blanks, no quotes (RFC 6749, 3.3)");
    }
    if fixed_name.is_none() && (name.starts_with("apim:") || name == "openid") {
        faults.field("name", "it is a scope of the management APIs");
    }
    let display = match get("displayName") {
        d if d.is_empty() => name.clone(),
        d => d,
    };
    if display.chars().count() > 255 {
        faults.field("displayName", "it has at most 255 characters");
    }
    if get("description").chars().count() > 512 {
        faults.field("description", "it has at most 512 characters");
    }
    let roles = given.get("bindings").and_then(Value::as_array);
    let roles: Vec<&str> = roles.into_iter().flatten().filter_map(Value::as_str).collect();
    for name in &roles {
        if role::by_name(work, actor.tenant(), name).await?.is_none() {
            faults.field("bindings", &format!("there is no role {name}"));
        }
    }
    faults.into_result()?;
    Ok(json!({"name": name, "displayName": display, "description": get("description"), "bindings": roles}))
}

async fn bind(work: &mut UnitOfWork, actor: &Actor, row: &SharedScopeRow, body: &Value) -> Result<(), ControlError> {
    let roles = body.get("bindings").and_then(Value::as_array).into_iter().flatten();
    let roles = roles.filter_map(Value::as_str).map(str::to_owned).collect();
    let binding = ScopeBindingRow { scope: row.name.clone(), system: false, roles };
    Ok(tenant::bind_scope(work, actor.tenant(), &binding).await?)
}

fn object(row: &SharedScopeRow, used: u64) -> Result<Value, ControlError> {
    let mut body: Value = serde_json::from_str(&row.body)
        .map_err(|e| ControlError::internal(format!("the stored scope {} is damaged: {e}", row.id)))?;
    if let Value::Object(fields) = &mut body {
        fields.insert("id".to_owned(), row.id.clone().into());
        fields.insert("usageCount".to_owned(), used.into());
    }
    Ok(body)
}
