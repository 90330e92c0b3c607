//! Organizations of consumers.

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::catalogue::{self, ItemKind, ItemRow};

use crate::field::Field;
use crate::{Actor, Change, Control, ControlError};

fn checked(id: &str, input: &Value) -> Result<(String, Value), ControlError> {
    let text = |field: &str| input.at(field).as_str().unwrap_or_default().trim().to_owned();
    let external = text("externalOrganizationId");
    if external.is_empty() || external.chars().count() > 255 || external.chars().any(char::is_control) {
        return Err(ControlError::invalid("externalOrganizationId: 1 to 255 characters."));
    }
    for field in ["displayName", "description", "parentOrganizationId"] {
        if text(field).chars().count() > 1024 {
            return Err(ControlError::invalid(format!("{field}: at most 1024 characters.")));
        }
    }
    let document = json!({
        "organizationId": id,
        "externalOrganizationId": external,
        "parentOrganizationId": input.at("parentOrganizationId"),
        "displayName": input.at("displayName").as_str().unwrap_or(&external),
        "description": text("description"),
    });
    Ok((external, document))
}

/// Adds an organization.
pub(crate) async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let id = control.uuid();
    let (name, document) = checked(&id.to_string(), input)?;
    let mut work = control.begin().await?;
    let row = ItemRow { id, tenant: actor.tenant(), name, document };
    catalogue::insert(&mut work, ItemKind::Organization, &row, control.now()).await?;
    let target = format!("organization/{id}");
    control.commit(work, actor, Change::managed("admin.organizations.create", &target)).await?;
    Ok(row.document)
}

async fn find(work: &mut UnitOfWork, actor: &Actor, id: &str) -> Result<ItemRow, ControlError> {
    let unknown = || ControlError::not_found(format!("There is no organization with the id {id}."));
    let id = id.parse().map_err(|_| unknown())?;
    catalogue::find(work, ItemKind::Organization, actor.tenant(), id).await?.ok_or_else(unknown)
}

/// One organization.
pub(crate) async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    Ok(find(&mut work, actor, id).await?.document)
}

/// Replaces an organization.
pub(crate) async fn update(control: &Control, actor: &Actor, id: &str, input: &Value) -> Result<Value, ControlError> {
    let (name, document) = checked(id, input)?;
    let mut work = control.begin().await?;
    let row = ItemRow { name, document, ..find(&mut work, actor, id).await? };
    catalogue::update(&mut work, ItemKind::Organization, &row).await?;
    let target = format!("organization/{id}");
    control.commit(work, actor, Change::managed("admin.organizations.update", &target)).await?;
    Ok(row.document)
}

/// Removes an organization.
pub(crate) async fn delete(control: &Control, actor: &Actor, id: &str) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let row = find(&mut work, actor, id).await?;
    catalogue::delete(&mut work, ItemKind::Organization, actor.tenant(), row.id).await?;
    let target = format!("organization/{id}");
    control.commit(work, actor, Change::managed("admin.organizations.delete", &target)).await
}

/// `{count, list}`.
pub(crate) async fn list(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let rows = catalogue::list(&mut work, ItemKind::Organization, actor.tenant()).await?;
    let list: Vec<Value> = rows.into_iter().map(|row| row.document).collect();
    Ok(json!({"count": list.len(), "list": list}))
}
