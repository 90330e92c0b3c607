//! Applications that their owners share with groups (`[apim.devportal] enable_application_sharing`).
//!
//! As with WSO2's default extractor the groups of a user are the values of the attribute `organization`, separated by
//! commas. Members see an application, its keys and its subscriptions; only the owner changes anything.

use std::collections::BTreeSet;

use model::ApplicationId;
use serde_json::Value;
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};
use store::repository::user;

use super::unknown;
use crate::{Actor, Control, ControlError};

/// SCIM's place of the attribute.
const ORGANIZATION: &str = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/organization";

/// Groups of the actor; none where sharing is off.
async fn groups(control: &Control, work: &mut UnitOfWork, actor: &Actor) -> Result<BTreeSet<String>, ControlError> {
    if !control.settings().portal.application_sharing {
        return Ok(BTreeSet::new());
    }
    let Some(row) = user::by_name(work, actor.tenant(), &actor.principal().user).await? else {
        return Ok(BTreeSet::new());
    };
    let attributes = Value::Object(row.attributes);
    let text = attributes.pointer(ORGANIZATION).and_then(Value::as_str).unwrap_or_default();
    Ok(text.split(',').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned).collect())
}

/// An application that is the actor's or shared with them.
///
/// # Errors
/// 404, and 403 for an application that is shared with others.
pub(crate) async fn visible(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    id: ApplicationId,
) -> Result<ApplicationRow, ControlError> {
    let row = applications::find(work, actor.tenant(), id).await?.ok_or_else(|| unknown(id))?;
    if row.owner == actor.name() {
        return Ok(row);
    }
    let groups = groups(control, work, actor).await?;
    if row.groups.iter().any(|group| groups.contains(group)) { Ok(row) } else { Err(refused(&row)) }
}

/// For who is neither owner nor may do what members may: that an application exists is known to those it is shared with.
pub(crate) fn refused(row: &ApplicationRow) -> ControlError {
    if row.groups.is_empty() {
        unknown(row.id)
    } else {
        ControlError::forbidden("Only the owner of this application can do that.")
    }
}

/// Applications of others that are shared with the actor.
pub(crate) async fn shared(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
) -> Result<Vec<ApplicationRow>, ControlError> {
    let groups = groups(control, work, actor).await?;
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = applications::shared(work, actor.tenant()).await?;
    let own = actor.name();
    rows.retain(|row| row.owner != own && row.groups.iter().any(|group| groups.contains(group)));
    Ok(rows)
}
