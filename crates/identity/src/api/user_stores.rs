//! `/api/server/v1/userstores`: name spaces of users and roles besides the primary store.

use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json as answer, no_content};

use crate::{Identity, UserStore};

const STORES: &str = "/api/server/v1/userstores";
/// WSO2's name of the store without a domain.
const PRIMARY: &str = "PRIMARY";
const ONE: &str = "/api/server/v1/userstores/{storeId}";
pub(super) fn routes() -> RouteTable<Identity> {
    let view = &["internal_userstore_view"];
    RouteTable::new()
        .guarded(Operation::new("userstores.list", "GET", STORES, "Lists user stores"), view, list)
        .guarded(
            Operation::new("userstores.create", "POST", STORES, "Adds a user store"),
            &["internal_userstore_create"],
            create,
        )
        .guarded(
            Operation::new("userstores.delete", "DELETE", ONE, "Removes an empty user store"),
            &["internal_userstore_delete"],
            delete,
        )
}

/// The properties of WSO2's request describe how to reach a directory, its password included. Nothing is reached from
/// here, so they are read by nobody and kept nowhere.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Creation {
    name: String,
    #[serde(default)]
    type_id: String,
    #[serde(default)]
    description: String,
}

fn id(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn described(store: &UserStore) -> Value {
    json!({
        "id": id(&store.name),
        "name": store.name,
        "typeId": store.type_id,
        "description": store.description,
        "properties": [],
        "enabled": true,
    })
}

/// A directory of the configuration; it is changed there, and read only.
fn directory(domain: &str, place: &str) -> Value {
    json!({
        "id": id(domain),
        "name": domain,
        "typeId": URL_SAFE_NO_PAD.encode("UniqueIDReadOnlyLDAPUserStoreManager"),
        "typeName": "UniqueIDReadOnlyLDAPUserStoreManager",
        "description": place,
        "properties": [],
        "readOnly": true,
        "enabled": true,
    })
}

async fn list(identity: Arc<Identity>, permit: Permit, _call: Call) -> Result<Answer, RestError> {
    let stores = identity.user_stores(permit.tenant()).await?;
    let mut all: Vec<Value> = stores.iter().map(described).collect();
    if permit.tenant().is_super() {
        all.extend(identity.directory_stores().map(|(domain, place)| directory(domain.unwrap_or(PRIMARY), place)));
    }
    Ok(answer(StatusCode::OK, &all))
}

async fn create(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let wanted: Creation = call.json()?;
    if wanted.type_id.len() > 255 || wanted.description.len() > 2048 {
        return Err(RestError::bad_request("The description of the user store is too long."));
    }
    let new = UserStore { name: wanted.name, type_id: wanted.type_id, description: wanted.description };
    let store = identity.permitted(&permit).create_user_store(permit.tenant(), new).await?;
    Ok(created(&format!("{STORES}/{}", id(&store.name)), &described(&store)))
}

async fn delete(identity: Arc<Identity>, permit: Permit, call: Call) -> Result<Answer, RestError> {
    let unknown = || RestError::not_found("There is no such user store.");
    let bytes = URL_SAFE_NO_PAD.decode(call.path("storeId")?).map_err(|_| unknown())?;
    let name = String::from_utf8(bytes).map_err(|_| unknown())?;
    identity.permitted(&permit).delete_user_store(permit.tenant(), &name).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}
