//! Changing an application.

use model::ApplicationId;
use serde_json::Value;
use store::repository::application::{self as applications, ApplicationRow};

use super::{check, create::exists, owned, whole};
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
        ..old
    };
    applications::update(&mut work, &row).await?;
    let shown = whole(&mut work, &row).await?;
    let target = format!("application/{id}");
    control.commit(work, actor, Change::served("devportal.applications.update", &target)).await?;
    Ok(shown)
}
