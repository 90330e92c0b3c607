//! Applications as administrators see them: all of the tenant, and who owns them.

use model::ApplicationId;
use serde_json::{Value, json};
use store::repository::application::{self as applications, ApplicationRow};
use store::repository::application_key;

use super::create::refuse_too_many;
use super::unknown;
use crate::api::page::Page;
use crate::key_manager::RESIDENT;
use crate::{Actor, Change, Control, ControlError, FaultKind};

fn shown(row: &ApplicationRow) -> Value {
    json!({
        "applicationId": row.id.to_string(),
        "name": row.name,
        "owner": row.owner,
        "status": row.status,
        "groupId": row.groups.join(","),
    })
}

/// All applications of the tenant; by owner, by part of the name, or both.
pub(crate) async fn list(
    control: &Control,
    actor: &Actor,
    page: &Page,
    user: &str,
    name: &str,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (user, name) = (user.replace('\0', ""), name.replace('\0', ""));
    let (rows, total) = applications::search_of_tenant(&mut work, actor.tenant(), (&user, &name), page.rows()).await?;
    Ok(page.list(usize::try_from(total).unwrap_or(0), rows.iter().map(shown).collect()))
}

/// WSO2 answers every refusal of this operation with 500, and its own scenarios look for that.
fn refused(description: impl Into<String>) -> ControlError {
    ControlError::new(FaultKind::Internal, 500, "Internal Server Error", description)
}

/// Gives an application to another consumer of the same tenant.
pub(crate) async fn change(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    owner: &str,
) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let mut row = applications::find(&mut work, actor.tenant(), id).await?.ok_or_else(|| unknown(id))?;
    let owner = owner.trim();
    let suffix = format!("@{}", actor.tenant_info().domain);
    let owner = if actor.tenant().is_super() { owner.strip_suffix(&suffix).unwrap_or(owner) } else { owner };
    if !applications::is_subscriber(&mut work, actor.tenant(), owner).await? {
        return Err(refused(format!(
            "{owner} has not used the Developer Portal of this tenant, so the application cannot be theirs."
        )));
    }
    if applications::find_by_name(&mut work, actor.tenant(), owner, &row.name).await?.is_some() {
        return Err(refused(format!("{owner} has an application named {} already.", row.name)));
    }
    refuse_too_many(&mut work, actor.tenant(), owner).await.map_err(|error| refused(error.description))?;
    owner.clone_into(&mut row.owner);
    row.updated = control.now();
    applications::update(&mut work, &row).await?;
    let keys = application_key::of_application(&mut work, actor.tenant(), id).await?;
    let target = format!("application/{id}");
    control.commit(work, actor, Change::served("admin.applications.change-owner", &target)).await?;
    for key in keys.iter().filter(|key| key.mode == "CREATED" && key.key_manager == RESIDENT) {
        if let Err(error) = control.ports().key_manager.change_owner(actor.tenant(), &key.consumer_key, owner).await {
            tracing::error!(consumer_key = key.consumer_key.as_str(), reason = %error, "a client kept its former owner");
        }
    }
    Ok(())
}
