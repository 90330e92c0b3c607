//! Gateway REST API v2: whether the gateway is up and which APIs it serves.

use std::sync::Arc;

use http::StatusCode;
use model::TenantDomain;
use serde_json::{Value, json as object};
use store::repository::{api, revision};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json};

use crate::{Actor, Control, ControlError, publishing};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .public(
            Operation::new(
                "gateway.startup.healthcheck",
                "GET",
                "/api/am/gateway/v2/server-startup-healthcheck",
                "Tell whether the gateway has its APIs.",
            ),
            "load balancers ask before anybody can sign in; the answer holds no data",
            healthcheck,
        )
        .guarded(
            Operation::new(
                "gateway.api-artifact.get",
                "GET",
                "/api/am/gateway/v2/api-artifact",
                "Show what the gateway serves of an API (apiName, version, tenantDomain).",
            ),
            &["apim:api_view", "apim:api_manage", "apim:admin"],
            artifact,
        )
}

/// The router is only built when the first snapshot was published, so whoever gets an answer may call APIs.
async fn healthcheck(_control: Arc<Control>, _call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &object!({"status": "UP"})))
}

async fn artifact(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    let text = |name: &str| {
        call.query(name)
            .filter(|v| !v.is_empty())
            .ok_or_else(|| RestError::bad_request(format!("The query parameter {name} is missing.")))
    };
    let (name, version) = (text("apiName")?, text("version")?);
    if let Some(domain) = call.query("tenantDomain").filter(|d| !d.is_empty()) {
        let domain: TenantDomain = domain.parse().map_err(|e| RestError::bad_request(format!("tenantDomain: {e}.")))?;
        // Another tenant's APIs are not to be known.
        if domain != actor.tenant_info().domain {
            return Err(unknown(name, version));
        }
    }
    let mut work = control.read().await?;
    let found = api::find_version(&mut work, actor.tenant(), name, version).await?;
    let id = found.ok_or_else(|| unknown(name, version))?.id;
    let row = publishing::load::load(&mut work, &actor, id).await?;
    let deployments = revision::deployments(&mut work, row.id).await?;
    let first = deployments.first().ok_or_else(|| unknown(name, version))?;
    let frozen = revision::find(&mut work, row.id, first.revision).await?;
    let mut document = publishing::parse_document(&row)?;
    if let Some(frozen) = frozen {
        document = serde_json::from_str(&frozen.document).map_err(|e| ControlError::internal(e.to_string()))?;
    }
    crate::document::strip_secrets(&mut document);
    let environments: Vec<Value> = deployments
        .iter()
        .map(|d| object!({"name": d.environment, "vhost": d.vhost, "revision": d.revision.to_string()}))
        .collect();
    Ok(json(
        StatusCode::OK,
        &object!({
            "apiId": row.id.to_string(),
            "name": row.name,
            "version": row.version,
            "context": document.versioned_context(),
            "lifeCycleStatus": row.lifecycle,
            "environments": environments,
            "operations": document.operations(),
        }),
    ))
}

fn unknown(name: &str, version: &str) -> ControlError {
    ControlError::not_found(format!("No gateway serves an API {name} {version}."))
}
