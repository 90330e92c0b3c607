//! What consumers choose from: plans, key managers, categories, tenants.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json as object};
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use super::{OPEN, SUBSCRIBE, consumer, viewer};
use crate::api::page::Page;
use crate::field::Field;
use crate::key_manager::registry;
use crate::throttling::{Level, may_use, portal};
use crate::{Control, ControlError, category, discovery};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .optional(
            Operation::new(
                "devportal.throttling-policies.list",
                "GET",
                "/api/am/devportal/v3/throttling-policies/{policyLevel}",
                "List plans or application policies",
            ),
            OPEN,
            policies,
        )
        .optional(
            Operation::new(
                "devportal.throttling-policies.get",
                "GET",
                "/api/am/devportal/v3/throttling-policies/{policyLevel}/{policyId}",
                "Read a plan or application policy by name",
            ),
            OPEN,
            policy,
        )
        .guarded(
            Operation::new("devportal.key-managers", "GET", "/api/am/devportal/v3/key-managers", "List key managers"),
            SUBSCRIBE,
            key_managers,
        )
        .optional(
            Operation::new(
                "devportal.api-categories",
                "GET",
                "/api/am/devportal/v3/api-categories",
                "List API categories",
            ),
            OPEN,
            categories,
        )
        .optional(
            Operation::new("devportal.tenants", "GET", "/api/am/devportal/v3/tenants", "List tenants"),
            OPEN,
            tenants,
        )
}

async fn views(control: &Control, permit: Option<&Permit>, call: &Call) -> Result<Vec<Value>, ControlError> {
    let level = match call.path("policyLevel")? {
        "application" => Level::Application,
        "subscription" => Level::Subscription,
        _ => return Err(ControlError::not_found("Levels are application and subscription.")),
    };
    let mut viewer = viewer(control, permit, call).await?;
    // An application is always of its owner's tenant, whichever tenant's portal is looked at.
    if let (Level::Application, Some(actor)) = (level, &viewer.actor) {
        viewer.tenant = actor.tenant_info().clone();
    }
    let unlimited = control.settings().portal.unlimited_tier;
    let mut work = control.read().await?;
    Ok(portal::views(&mut work, viewer.tenant.id, level, |role| viewer.has_role(role), unlimited).await?)
}

async fn policies(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let list = views(&control, permit.as_ref(), &call).await?;
    Ok(json(StatusCode::OK, &Page::of(&call)?.answer(list)))
}

async fn policy(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let name = call.path("policyId")?;
    let found = views(&control, permit.as_ref(), &call).await?.into_iter().find(|view| view.at("name") == name);
    let found = found.ok_or_else(|| ControlError::not_found(format!("There is no policy {name:?}.")))?;
    Ok(json(StatusCode::OK, &found))
}

async fn key_managers(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let viewer = viewer(&control, Some(&permit), &call).await?;
    let mut work = control.read().await?;
    let all = registry::all(&control, &mut work, viewer.tenant.id, viewer.tenant.domain.as_str()).await?;
    let list: Vec<Value> = all
        .iter()
        .filter(|entry| entry.at("enabled") == true && may_use(entry, |role| actor.has_role(role)))
        .map(shown)
        .collect();
    Ok(json(StatusCode::OK, &object!({"count": list.len(), "list": list})))
}

/// A key manager as consumers see it: what they call, nothing about how it is reached.
fn shown(entry: &Value) -> Value {
    let advertised = |display: &str, real: &str| {
        let text = entry[display].as_str().filter(|text| !text.is_empty());
        text.map_or_else(|| entry[real].clone(), Value::from)
    };
    object!({
        "id": entry.at("id"),
        "name": entry.at("name"),
        "type": entry.at("type"),
        "displayName": entry.at("displayName").as_str().or_else(|| entry.at("name").as_str()),
        "description": entry.at("description"),
        "enabled": entry.at("enabled"),
        "availableGrantTypes": entry.at("availableGrantTypes"),
        "tokenEndpoint": advertised("displayTokenEndpoint", "tokenEndpoint"),
        "revokeEndpoint": advertised("displayRevokeEndpoint", "revokeEndpoint"),
        "userInfoEndpoint": entry.at("userInfoEndpoint"),
        "enableTokenGeneration": entry.at("enableTokenGeneration"),
        "enableTokenEncryption": entry.at("enableTokenEncryption"),
        "enableTokenHashing": entry.at("enableTokenHashing"),
        "enableOAuthAppCreation": entry.at("enableOAuthAppCreation"),
        "enableMapOAuthConsumerApps": entry.at("enableMapOAuthConsumerApps"),
        "applicationConfiguration": [],
        "alias": entry.at("alias"),
        "additionalProperties": {},
        "tokenType": entry.at("tokenType"),
    })
}

async fn categories(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    let viewer = viewer(&control, permit.as_ref(), &call).await?;
    Ok(json(StatusCode::OK, &category::list(&control, viewer.tenant.id, false).await?))
}

async fn tenants(control: Arc<Control>, permit: Option<Permit>, call: Call) -> Result<Answer, ControlError> {
    viewer(&control, permit.as_ref(), &call).await?;
    let active = call.query("state").is_none_or(|state| state.eq_ignore_ascii_case("active"));
    let mut work = control.read().await?;
    let found = discovery::tenants(&mut work).await?;
    let list: Vec<Value> = found
        .into_iter()
        .filter(|(_, _, state)| *state == active)
        .map(|(_, domain, state)| object!({"domain": domain, "status": if state { "ACTIVE" } else { "INACTIVE" }}))
        .collect();
    Ok(json(StatusCode::OK, &Page::of(&call)?.answer(list)))
}
