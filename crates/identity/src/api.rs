//! The use cases on WSO2's paths.

mod account;
mod client_registration;
mod discovery;
mod identity_providers;
mod introspect;
mod scim;
mod scim_group;
mod scim_path;
mod scim_user;
mod tenants;
mod token;
mod user_stores;

use web::RouteTable;

use crate::Identity;

impl Identity {
    /// Every operation of this crate with its access rule.
    pub fn routes() -> RouteTable<Self> {
        RouteTable::new()
            .merge(client_registration::routes())
            .merge(token::routes())
            .merge(introspect::routes())
            .merge(discovery::routes())
            .merge(identity_providers::routes())
            .merge(scim::routes())
            .merge(scim_user::routes())
            .merge(scim_group::routes())
            .merge(tenants::routes())
            .merge(user_stores::routes())
            .merge(account::routes())
    }
}
