//! The REST APIs: thin handlers, one file per operation or per group of small ones.

mod admin;
mod devops;
mod devportal;
mod gateway;
mod governance;
pub(crate) mod page;
mod publisher;
mod publisher_subscriptions;

use web::RouteTable;

use crate::Control;

/// Every operation of the control plane's REST APIs.
pub fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .merge(publisher::routes())
        .merge(gateway::routes())
        .merge(governance::routes())
        .merge(publisher_subscriptions::routes())
        .merge(devportal::routes())
        .merge(admin::routes())
        .merge(devops::routes())
}
