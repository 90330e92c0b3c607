//! What the Developer Portal must know before it draws anything.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json as object};
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use super::SUBSCRIBE;
use crate::{Control, ControlError};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .public(
            Operation::new("devportal.settings", "GET", "/api/am/devportal/v3/settings", "Settings of the portal"),
            "The portal reads this before anybody signs in; it holds addresses and switches, nothing of a tenant.",
            settings,
        )
        .guarded(
            Operation::new(
                "devportal.settings.application-attributes",
                "GET",
                "/api/am/devportal/v3/settings/application-attributes",
                "Custom attributes of applications",
            ),
            SUBSCRIBE,
            attributes,
        )
}

async fn settings(control: Arc<Control>, _: Call) -> Result<Answer, ControlError> {
    let settings = control.settings();
    let https = format!("https://{}:{}", settings.hostname, settings.gateway_https_port);
    let http = format!("http://{}:{}", settings.hostname, settings.gateway_http_port);
    Ok(json(
        StatusCode::OK,
        &object!({
            "grantTypes": settings.portal.grant_types,
            "scopes": ["apim:subscribe", "apim:app_manage", "apim:sub_manage", "apim:api_key", "apim:app_import_export"],
            "applicationSharingEnabled": settings.portal.application_sharing,
            "mapExistingAuthApps": true,
            "apiGatewayEndpoint": format!("{http},{https}"),
            "monetizationEnabled": false,
            "recommendationEnabled": false,
            "IsUnlimitedTierPaid": false,
            "identityProvider": {"external": false},
            "IsAnonymousModeEnabled": settings.anonymous_devportal,
            "IsPasswordChangeEnabled": true,
            "crossTenantSubscriptionEnabled": settings.portal.cross_tenant_subscriptions,
        }),
    ))
}

async fn attributes(control: Arc<Control>, _: Permit, _: Call) -> Result<Answer, ControlError> {
    let list: Vec<Value> = control
        .settings()
        .portal
        .application_attributes
        .iter()
        .map(|attribute| {
            object!({
                "attribute": attribute.name,
                "description": attribute.description,
                "type": "String",
                "required": attribute.required.to_string(),
                "hidden": attribute.hidden.to_string(),
                "default": attribute.default,
            })
        })
        .collect();
    Ok(json(StatusCode::OK, &object!({"count": list.len(), "list": list})))
}
