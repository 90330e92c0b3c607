//! Gateway REST API v2: whether the gateway is up and which APIs it serves.

use std::sync::Arc;

use http::StatusCode;
use model::{ApiDocument, TenantDomain};
use serde_json::{Value, json as object};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
use store::repository::artifact;
use store::repository::revision::{self, DeploymentRow};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json};

use crate::{Actor, Control, ControlError, publishing};

const VIEW: &[&str] = &["apim:api_view", "apim:api_manage", "apim:admin"];

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
            VIEW,
            artifact,
        )
        .guarded(
            Operation::new(
                "gateway.end-points.get",
                "GET",
                "/api/am/gateway/v2/end-points",
                "Show where the gateway sends calls of an API (apiName, version, tenantDomain).",
            ),
            VIEW,
            endpoints,
        )
        .guarded(
            Operation::new(
                "gateway.local-entry.get",
                "GET",
                "/api/am/gateway/v2/local-entry",
                "Show the definition that the gateway serves an API by (apiName, version, tenantDomain).",
            ),
            VIEW,
            definition,
        )
        .guarded(
            Operation::new(
                "gateway.sequence.get",
                "GET",
                "/api/am/gateway/v2/sequence",
                "Show the policies that the gateway applies to calls of an API (apiName, version, tenantDomain).",
            ),
            VIEW,
            sequences,
        )
}

/// The router is only built when the first snapshot was published, so whoever gets an answer may call APIs.
async fn healthcheck(_control: Arc<Control>, _call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &object!({"status": "UP"})))
}

/// An API as it is deployed.
struct Deployed {
    row: ApiRow,
    deployments: Vec<DeploymentRow>,
    /// What the first deployment's revision says, without secrets.
    document: ApiDocument,
}

async fn deployed(work: &mut UnitOfWork, actor: &Actor, call: &Call) -> Result<Deployed, ControlError> {
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
    let found = api::find_version(work, actor.tenant(), name, version).await?;
    let id = found.ok_or_else(|| unknown(name, version))?.id;
    let row = publishing::load::load(work, actor, id).await?;
    let deployments = revision::deployments(work, row.id).await?;
    let first = deployments.first().ok_or_else(|| unknown(name, version))?;
    let frozen = revision::find(work, row.id, first.revision).await?;
    let mut document = publishing::parse_document(&row)?;
    if let Some(frozen) = frozen {
        document = serde_json::from_str(&frozen.document).map_err(|e| ControlError::internal(e.to_string()))?;
    }
    crate::document::strip_secrets(&mut document);
    Ok(Deployed { row, deployments, document })
}

async fn artifact(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    let Deployed { row, deployments, document } = deployed(&mut control.read().await?, &actor, &call).await?;
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

async fn endpoints(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    let Deployed { row, document, .. } = deployed(&mut control.read().await?, &actor, &call).await?;
    let config = document.get("endpointConfig");
    let side = |name: &str| config.and_then(|config| config.get(format!("{name}_endpoints"))).cloned();
    let mut list = Vec::new();
    for name in ["production", "sandbox"] {
        list.extend(side(name).map(|endpoints| object!({"type": name, "endpoints": endpoints})));
    }
    Ok(json(StatusCode::OK, &object!({"apiId": row.id.to_string(), "deployedEndpoints": list})))
}

async fn definition(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    let mut work = control.read().await?;
    let Deployed { row, deployments, .. } = deployed(&mut work, &actor, &call).await?;
    let owner = deployments.first().map_or_else(String::new, |deployment| deployment.revision.to_string());
    let file = artifact::find(&mut work, &owner, publishing::DEFINITION).await?;
    let text = file.map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
    Ok(json(StatusCode::OK, &object!({"apiId": row.id.to_string(), "definition": text})))
}

async fn sequences(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    let Deployed { row, document, .. } = deployed(&mut control.read().await?, &actor, &call).await?;
    let mut list = Vec::new();
    for flow in ["request", "response", "fault"] {
        let whole = document.get("apiPolicies").and_then(|flows| flows.get(flow)).cloned().unwrap_or(object!([]));
        let operations: Vec<Value> = document
            .operations()
            .iter()
            .filter_map(|operation| {
                let own = operation.get("operationPolicies")?.get(flow)?;
                let used = own.as_array().is_some_and(|policies| !policies.is_empty());
                used.then(
                    || object!({"target": operation.get("target"), "verb": operation.get("verb"), "policies": own}),
                )
            })
            .collect();
        list.push(object!({"flow": flow, "api": whole, "operations": operations}));
    }
    Ok(json(StatusCode::OK, &object!({"apiId": row.id.to_string(), "deployedSequences": list})))
}

fn unknown(name: &str, version: &str) -> ControlError {
    ControlError::not_found(format!("No gateway serves an API {name} {version}."))
}
