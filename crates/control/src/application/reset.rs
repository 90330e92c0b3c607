//! Emptying the application-level counter of one user.

use model::ApplicationId;
use store::repository::application;

use super::unknown;
use crate::document::Faults;
use crate::{Actor, Change, Control, ControlError};

/// Longest accepted user name, characters.
const MAX_NAME: usize = 255;

/// Lets the next call of a user with any application of the tenant be the first of its window (WSO2:
/// `reset-throttle-policy`). For administrators: whoever could reset their own limit would have none.
///
/// # Errors
/// 403 for everybody else, 404 for an application of another tenant, 400 without a user.
pub(crate) async fn reset(control: &Control, actor: &Actor, id: ApplicationId, user: &str) -> Result<(), ControlError> {
    if !actor.is_admin() {
        return Err(ControlError::forbidden("Only an administrator resets the limit of an application."));
    }
    let mut faults = Faults::default();
    if user.is_empty() || user.chars().count() > MAX_NAME || user.chars().any(char::is_control) {
        faults.field("userName", "name the user whose calls are to count from zero");
    }
    faults.into_result()?;
    let mut work = control.begin().await?;
    application::find(&mut work, actor.tenant(), id).await?.ok_or_else(|| unknown(id))?;
    let target = format!("application/{id}");
    control.commit(work, actor, Change::managed("devportal.applications.reset-throttle-policy", &target)).await?;
    control.ports().gateway.reset_application(id, user);
    Ok(())
}
