//! Removing an application.

use model::{ApplicationId, ConsumerKey, TenantId};
use store::repository::{application as applications, application_key};

use super::{owned, unknown};
use crate::key_manager::RESIDENT;
use crate::subscription::consumer::refuse_while_blocked;
use crate::{Actor, Change, Control, ControlError};

/// Removes one of the actor's applications with its keys and subscriptions; not while one of them is blocked.
pub(crate) async fn delete(control: &Control, actor: &Actor, id: ApplicationId) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    owned(&mut work, actor, id).await?;
    refuse_while_blocked(&mut work, id).await?;
    work.cancel().await?;
    delete_any(control, actor, id, "devportal.applications.delete").await
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
    for key in keys.iter().filter(|key| key.mode == "CREATED" && key.key_manager == RESIDENT) {
        remove_client(control, actor.tenant(), &key.consumer_key).await;
    }
    Ok(())
}

/// Removes a client whose key mapping is gone. The gateway refuses its tokens already, so a failure is only logged.
pub(super) async fn remove_client(control: &Control, tenant: TenantId, key: &ConsumerKey) {
    if let Err(error) = control.ports().key_manager.delete_client(tenant, key).await {
        tracing::error!(consumer_key = key.as_str(), reason = %error, "a client without application remains");
    }
}
