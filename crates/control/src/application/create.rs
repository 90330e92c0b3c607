//! Making an application.

use model::{ApplicationId, TenantId};
use serde_json::Value;
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};

use super::{check, whole};
use crate::workflow::{self, application_creation};
use crate::{Actor, Change, Control, ControlError};

/// 409 for a name the owner uses already, with the text WSO2's clients look for.
pub(crate) fn exists(name: &str) -> ControlError {
    ControlError::conflict(format!("An application already exists with name {name}"))
}

/// Most applications of one owner.
const MAX_OF_OWNER: i64 = 200;
/// Most applications of a tenant.
const MAX_OF_TENANT: i64 = 20_000;

/// 409 when the owner or the tenant has as many applications as are allowed.
pub(crate) async fn refuse_too_many(work: &mut UnitOfWork, tenant: TenantId, owner: &str) -> Result<(), ControlError> {
    let (all, own) = applications::count(work, tenant, owner).await?;
    if own >= MAX_OF_OWNER {
        return Err(ControlError::conflict(format!("A user has at most {MAX_OF_OWNER} applications. Remove some.")));
    }
    if all >= MAX_OF_TENANT {
        return Err(ControlError::conflict(format!("A tenant has at most {MAX_OF_TENANT} applications.")));
    }
    Ok(())
}

/// Makes an application of the actor.
pub(crate) async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let wanted = check(control, &mut work, actor, input).await?;
    let owner = actor.name();
    if applications::find_by_name(&mut work, actor.tenant(), &owner, &wanted.name).await?.is_some() {
        return Err(exists(&wanted.name));
    }
    refuse_too_many(&mut work, actor.tenant(), &owner).await?;
    let rule = workflow::rule(control, &mut work, actor.tenant(), &application_creation::KIND).await?;
    let status = if rule.is_some() { "CREATED" } else { "APPROVED" };
    let row = ApplicationRow {
        id: ApplicationId::new(control.uuid()),
        tenant: actor.tenant(),
        owner,
        name: wanted.name,
        policy: wanted.policy,
        description: wanted.description,
        token_type: wanted.token_type,
        status: status.to_owned(),
        visibility: wanted.visibility,
        groups: wanted.groups,
        attributes: wanted.attributes,
        created: control.now(),
        updated: control.now(),
    };
    applications::insert(&mut work, &row).await?;
    if let Some(rule) = rule {
        application_creation::ask(control, &mut work, actor, &row, &rule).await?;
    }
    let shown = whole(&mut work, &row).await?;
    let target = format!("application/{}", row.id);
    // Without keys and subscriptions there is nothing the gateway could do with it; making those tells it.
    control.commit(work, actor, Change::managed("devportal.applications.create", &target)).await?;
    Ok(shown)
}
