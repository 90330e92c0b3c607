//! Changing an application.

use model::ApplicationId;
use serde_json::Value;
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};

use super::{check, create::exists, owned, whole};
use crate::workflow::{self, application_creation, application_update, is_approved};
use crate::{Actor, Change, Control, ControlError};

/// Replaces what a caller may decide about one of their applications.
pub(crate) async fn update(
    control: &Control,
    actor: &Actor,
    id: ApplicationId,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let old = owned(&mut work, actor, id).await?;
    let wanted = check(control, &mut work, actor, input).await?;
    let namesake = applications::find_by_name(&mut work, actor.tenant(), &old.owner, &wanted.name).await?;
    if namesake.is_some_and(|other| other.id != id) {
        return Err(exists(&wanted.name));
    }
    let row = ApplicationRow {
        name: wanted.name,
        policy: wanted.policy,
        description: wanted.description,
        token_type: wanted.token_type,
        visibility: wanted.visibility,
        groups: wanted.groups,
        attributes: wanted.attributes,
        updated: control.now(),
        ..old.clone()
    };
    let row = keep_or_ask(control, &mut work, actor, (old, row)).await?;
    let shown = whole(&mut work, &row).await?;
    let target = format!("application/{id}");
    control.commit(work, actor, Change::served("devportal.applications.update", &target)).await?;
    Ok(shown)
}

/// Keeps the changes of an application, or asks for them where the tenant wants that. Returns what it is then.
async fn keep_or_ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    (old, mut row): (ApplicationRow, ApplicationRow),
) -> Result<ApplicationRow, ControlError> {
    if old.status == "DELETE_PENDING" {
        return Err(ControlError::conflict("The removal of this application waits for an administrator."));
    }
    if is_approved(&old.status) {
        if let Some(rule) = workflow::rule(control, work, row.tenant, &application_update::KIND).await? {
            return application_update::ask(control, work, actor, (old, &row), &rule).await;
        }
        "APPROVED".clone_into(&mut row.status);
    } else if let Some(rule) = workflow::rule(control, work, row.tenant, &application_creation::KIND).await? {
        // What was never approved is asked for again, so that the administrator decides about what it is now.
        "CREATED".clone_into(&mut row.status);
        application_creation::ask(control, work, actor, &row, &rule).await?;
    } else {
        "APPROVED".clone_into(&mut row.status);
    }
    applications::update(work, &row).await?;
    Ok(row)
}
