//! The Admin REST API, version 4 (`/api/am/admin/v4`).

mod ai_service_providers;
mod apis;
mod applications;
mod categories;
mod deny_policies;
mod environments;
mod key_managers;
mod organizations;
mod settings;
mod tenant_config;
mod throttling;
mod workflows;

use web::{Permit, RouteTable};

use crate::{Actor, Control, ControlError};

/// All operations.
pub(crate) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .merge(throttling::routes())
        .merge(deny_policies::routes())
        .merge(environments::routes())
        .merge(key_managers::routes())
        .merge(categories::routes())
        .merge(organizations::routes())
        .merge(applications::routes())
        .merge(apis::routes())
        .merge(tenant_config::routes())
        .merge(ai_service_providers::routes())
        .merge(workflows::routes())
        .merge(settings::routes())
}

/// The actor of a request, in a tenant that has its default policies.
async fn actor(control: &Control, permit: &Permit) -> Result<Actor, ControlError> {
    let actor = Actor::of(permit);
    control.ensure_tenant_defaults(actor.tenant()).await?;
    Ok(actor)
}
