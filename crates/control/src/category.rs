//! API categories: names that APIs are filed under.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api;
use store::repository::catalogue::{self, ItemKind, ItemRow};

use crate::field::Field;
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Most characters of a name.
const MAX_NAME: usize = 255;

fn checked(input: &Value) -> Result<(String, String), ControlError> {
    let name = input.at("name").as_str().unwrap_or_default().trim().to_owned();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    if name.is_empty() || name.chars().count() > MAX_NAME || !name.chars().all(allowed) {
        return Err(ControlError::invalid("name: use 1 to 255 letters, digits, blanks, '_', '-' or '.'."));
    }
    let description = input.at("description").as_str().unwrap_or_default().to_owned();
    if description.chars().count() > 1024 {
        return Err(ControlError::invalid("description: at most 1024 characters."));
    }
    Ok((name, description))
}

fn document(id: &str, name: &str, description: &str) -> Value {
    json!({"id": id, "name": name, "description": description})
}

/// Adds a category.
pub(crate) async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let (name, description) = checked(input)?;
    let mut work = control.begin().await?;
    if catalogue::find_by_name(&mut work, ItemKind::Category, actor.tenant(), &name).await?.is_some() {
        // WSO2 answers 500 here, and its own scenarios look for the text.
        return Err(ControlError::new(
            FaultKind::Internal,
            900_967,
            "General Error",
            format!("Error while adding new API Category '{name}' - Category with name '{name}' already exists"),
        ));
    }
    let id = control.uuid();
    let row = ItemRow { id, tenant: actor.tenant(), document: document(&id.to_string(), &name, &description), name };
    catalogue::insert(&mut work, ItemKind::Category, &row, control.now()).await?;
    let target = format!("api-category/{id}");
    control.commit(work, actor, Change::managed("admin.api-categories.create", &target)).await?;
    Ok(row.document)
}

/// Renames or describes a category.
pub(crate) async fn update(control: &Control, actor: &Actor, id: &str, input: &Value) -> Result<Value, ControlError> {
    let (name, description) = checked(input)?;
    let mut work = control.begin().await?;
    let mut row = find(&mut work, actor, id).await?;
    row.document = document(id, &name, &description);
    row.name = name;
    catalogue::update(&mut work, ItemKind::Category, &row).await?;
    let target = format!("api-category/{id}");
    control.commit(work, actor, Change::managed("admin.api-categories.update", &target)).await?;
    Ok(row.document)
}

async fn find(work: &mut UnitOfWork, actor: &Actor, id: &str) -> Result<ItemRow, ControlError> {
    let unknown = || ControlError::not_found(format!("There is no API category with the id {id}."));
    let id = id.parse().map_err(|_| unknown())?;
    catalogue::find(work, ItemKind::Category, actor.tenant(), id).await?.ok_or_else(unknown)
}

/// Removes a category that no API is filed under.
pub(crate) async fn delete(control: &Control, actor: &Actor, id: &str) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let row = find(&mut work, actor, id).await?;
    let count = api::with_facet(&mut work, actor.tenant(), "=category", &row.name).await?.len();
    if count > 0 {
        return Err(ControlError::conflict(format!("{count} APIs are filed under {}. Change them first.", row.name)));
    }
    catalogue::delete(&mut work, ItemKind::Category, actor.tenant(), row.id).await?;
    let target = format!("api-category/{id}");
    control.commit(work, actor, Change::managed("admin.api-categories.delete", &target)).await
}

/// `{count, list}`; with the number of APIs for administrators.
pub(crate) async fn list(control: &Control, tenant: model::TenantId, with_usage: bool) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let mut list = Vec::new();
    let used = if with_usage { api::facet_counts(&mut work, tenant, "=category").await? } else { BTreeMap::new() };
    for row in catalogue::list(&mut work, ItemKind::Category, tenant).await? {
        let mut entry = row.document;
        if with_usage && let Some(object) = entry.as_object_mut() {
            object.insert("numberOfAPIs".into(), json!(used.get(&row.name).copied().unwrap_or(0)));
        }
        list.push(entry);
    }
    Ok(json!({"count": list.len(), "list": list}))
}
