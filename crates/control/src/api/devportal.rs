//! The Developer Portal REST API, version 3 (`/api/am/devportal/v3`).

mod api_keys;
mod apis;
mod applications;
mod browse;
mod comments;
mod files;
mod keys;
mod ratings;
mod settings;
mod subscriptions;

use web::{Call, Permit, RouteTable};

use crate::devportal::consumer;
use crate::discovery::Viewer;
use crate::{Control, ControlError};

/// Why the portal's pages about APIs are open.
const OPEN: &str = "The Developer Portal shows public APIs to everybody unless [apim.devportal] enable_anonymous_mode \
                    is off; what is not public needs a token.";

const APPLICATIONS: &[&str] = &["apim:subscribe", "apim:app_manage"];
const SUBSCRIPTIONS: &[&str] = &["apim:subscribe", "apim:sub_manage"];
const SUBSCRIBE: &[&str] = &["apim:subscribe"];
const API_KEYS: &[&str] = &["apim:subscribe", "apim:app_manage", "apim:api_key"];

/// All operations.
pub(crate) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .merge(apis::routes())
        .merge(files::routes())
        .merge(comments::routes())
        .merge(ratings::routes())
        .merge(applications::routes())
        .merge(keys::routes())
        .merge(api_keys::routes())
        .merge(subscriptions::routes())
        .merge(browse::routes())
        .merge(settings::routes())
}

/// The tenant that a request addresses besides the actor's own.
fn addressed(call: &Call) -> Option<&str> {
    call.header("x-wso2-tenant")
}

/// Who looks at the portal.
async fn viewer(control: &Control, permit: Option<&Permit>, call: &Call) -> Result<Viewer, ControlError> {
    crate::devportal::viewer(control, permit, addressed(call)).await
}
