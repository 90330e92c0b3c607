//! The Publisher, for those who offer APIs. One file per page or group of pages; the lists of routes and of the navigation
//! are here.

mod apis;

use web::RouteTable;

use crate::console::Entry;
use crate::{Portal, get};

/// Scopes that may see APIs.
const VIEW: &[&str] =
    &["apim:api_view", "apim:api_manage", "apim:api_create", "apim:api_publish", "apim:api_list_view"];

/// The left navigation.
pub(crate) const NAV: &[Entry] = &[Entry::new("apis", "APIs", "/publisher/apis", "api", VIEW)];

/// The console's pages.
pub(crate) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.publisher", "/publisher", "First page of the Publisher"), VIEW, apis::first)
        .page(get("portal.publisher.apis", "/publisher/apis", "APIs"), VIEW, apis::list)
}

/// A field of a REST object as text; empty when it is not there.
fn text<'a>(object: &'a serde_json::Value, field: &str) -> &'a str {
    object.get(field).and_then(serde_json::Value::as_str).unwrap_or_default()
}
