//! Making an application.

use model::ApplicationId;
use serde_json::Value;
use store::repository::application::{self as applications, ApplicationRow};

use super::{check, whole};
use crate::{Actor, Change, Control, ControlError};

/// 409 for a name the owner uses already, with the text WSO2's clients look for.
pub(crate) fn exists(name: &str) -> ControlError {
    ControlError::conflict(format!("An application already exists with name {name}"))
}

/// Makes an application of the actor.
pub(crate) async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let wanted = check(control, &mut work, actor, input).await?;
    let owner = actor.name();
    if applications::find_by_name(&mut work, actor.tenant(), &owner, &wanted.name).await?.is_some() {
        return Err(exists(&wanted.name));
    }
    let row = ApplicationRow {
        id: ApplicationId::new(control.uuid()),
        tenant: actor.tenant(),
        owner,
        name: wanted.name,
        policy: wanted.policy,
        description: wanted.description,
        token_type: wanted.token_type,
        status: "APPROVED".to_owned(),
        visibility: wanted.visibility,
        groups: wanted.groups,
        attributes: wanted.attributes,
        created: control.now(),
        updated: control.now(),
    };
    applications::insert(&mut work, &row).await?;
    let shown = whole(&mut work, &row).await?;
    let target = format!("application/{}", row.id);
    control.commit(work, actor, Change::served("devportal.applications.create", &target)).await?;
    Ok(shown)
}
