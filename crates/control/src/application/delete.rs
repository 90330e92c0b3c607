//! Removing an application.

use model::{ApplicationId, ConsumerKey, TenantId};
use store::repository::application as applications;
use store::repository::application_key::{self, ApplicationKeyRow};

use super::{owned, unknown};
use crate::key_manager::RESIDENT;
use crate::subscription::consumer::refuse_while_blocked;
use crate::workflow::{self, application_deletion};
use crate::{Actor, Change, Control, ControlError};

/// Removes one of the actor's applications with its keys and subscriptions; not while one of them is blocked. Returns
/// whether the removal waits for an administrator.
pub(crate) async fn delete(control: &Control, actor: &Actor, id: ApplicationId) -> Result<bool, ControlError> {
    let mut work = control.begin().await?;
    let row = owned(&mut work, actor, id).await?;
    refuse_while_blocked(&mut work, id).await?;
    if let Some(rule) = workflow::rule(control, &mut work, row.tenant, &application_deletion::KIND).await? {
        workflow::refuse_while_waiting(&mut work, &application_deletion::KIND, &id.to_string()).await?;
        application_deletion::ask(control, &mut work, actor, row, &rule).await?;
        // An application that is asked to be removed is served as before.
        work.save().await?;
        return Ok(true);
    }
    work.cancel().await?;
    delete_any(control, actor, id, "devportal.applications.delete").await?;
    Ok(false)
}

/// Removes any application of the tenant, for its administrators.
pub(crate) async fn delete_any(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    action: &'static str,
) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    let keys = application_key::of_application(&mut work, actor.tenant(), id).await?;
    if !applications::delete(&mut work, actor.tenant(), id).await? {
        return Err(unknown(id));
    }
    let target = format!("application/{id}");
    control.commit(work, actor, Change::served(action, &target)).await?;
    remove_clients(control, actor.tenant(), &keys).await;
    Ok(())
}

/// Removes the clients that were made for the keys of an application that is gone.
pub(crate) async fn remove_clients(control: &Control, tenant: TenantId, keys: &[ApplicationKeyRow]) {
    for key in keys.iter().filter(|key| key.mode == "CREATED" && key.key_manager == RESIDENT) {
        remove_client(control, tenant, &key.consumer_key).await;
    }
}

/// Removes a client whose key mapping is gone. The gateway refuses its tokens already, so a failure is only logged.
pub(super) async fn remove_client(control: &Control, tenant: TenantId, key: &ConsumerKey) {
    if let Err(error) = control.ports().key_manager.delete_client(tenant, key).await {
        tracing::error!(consumer_key = key.as_str(), reason = %error, "a client without application remains");
    }
}
