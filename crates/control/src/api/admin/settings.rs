//! What the Admin console must know before it draws anything.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json as object;
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use super::actor;
use crate::key_manager::known;
use crate::tenant_config::scopes;
use crate::{Control, ControlError};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new().guarded(
        Operation::new("admin.settings", "GET", "/api/am/admin/v4/settings", "Settings of the Admin console"),
        &["apim:admin", "apim:admin_settings"],
        settings,
    )
}

async fn settings(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let mut work = control.read().await?;
    let names: Vec<String> = scopes::bindings(&mut work, actor.tenant()).await?.into_keys().collect();
    let connectors = known::connectors();
    Ok(json(
        StatusCode::OK,
        &object!({
            "scopes": names,
            "gatewayTypes": ["Regular"],
            "keyManagerConfiguration": connectors,
            "analyticsEnabled": false,
            "transactionCounterEnabled": false,
        }),
    ))
}
