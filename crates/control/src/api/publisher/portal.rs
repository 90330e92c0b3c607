//! What the Publisher portal asks for around APIs: settings, tags, endpoint checks.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json as object};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json, no_content};

use super::{CREATE, VIEW, api_id};
use crate::api::page::Page;
use crate::throttling::Level;
use crate::{Actor, Control, ControlError, environment, tenant_config};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.settings.get",
                "GET",
                "/api/am/publisher/v4/settings",
                "Read what the Publisher portal needs to know.",
            ),
            &["apim:publisher_settings", "apim:api_view", "apim:api_create", "apim:api_publish", "apim:api_manage"],
            settings,
        )
        .guarded(
            Operation::new("publisher.tags.list", "GET", "/api/am/publisher/v4/tags", "List the tags in use."),
            VIEW,
            tags,
        )
        .guarded(
            Operation::new(
                "publisher.linter-custom-rules.get",
                "GET",
                "/api/am/publisher/v4/linter-custom-rules",
                "Read the tenant's own rules for the linter; 204 without any.",
            ),
            VIEW,
            linter_rules,
        )
        .guarded(
            Operation::new(
                "publisher.apis.validate-endpoint",
                "POST",
                "/api/am/publisher/v4/apis/validate-endpoint",
                "Call an endpoint once and tell its status.",
            ),
            CREATE,
            validate_endpoint,
        )
        .guarded(
            Operation::new(
                "publisher.apis.generate-key",
                "POST",
                "/api/am/publisher/v4/apis/{apiId}/generate-key",
                "Make a test key for an API.",
            ),
            &["apim:api_generate_key", "apim:api_create", "apim:api_publish", "apim:api_manage"],
            generate_key,
        )
        .guarded(
            Operation::new(
                "publisher.apis.subscription-policies",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/subscription-policies",
                "List the business plans of an API.",
            ),
            VIEW,
            subscription_policies,
        )
}

async fn settings(control: Arc<Control>, permit: Permit, _call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    let mut work = control.read().await?;
    let environments = environment::all(&control, &mut work, actor.tenant()).await?;
    let unlimited = control.settings().portal.unlimited_tier;
    let advanced = tenant_config::default_policy(&mut work, actor.tenant(), Level::Advanced, unlimited).await?;
    let plan = tenant_config::default_policy(&mut work, actor.tenant(), Level::Subscription, unlimited).await?;
    let properties = control.settings().portal.api_properties.iter();
    let properties: Vec<Value> = properties
        .map(|property| {
            object!({"Name": property.name, "Description": property.description, "Required": property.required})
        })
        .collect();
    let answer = object!({
        "defaultAdvancePolicy": advanced,
        "defaultSubscriptionPolicy": plan,
        "devportalUrl": format!("{}/devportal", control.settings().console_url),
        "environment": environments,
        "scopes": permit.principal().scopes,
        "monetizationAttributes": [],
        "subscriberContactAttributes": {},
        "securityAuditProperties": {},
        "externalStoresEnabled": false,
        "docVisibilityEnabled": false,
        "portalConfigurationOnlyModeEnabled": false,
        "retryCallWithNewOAuthTokenEnabled": true,
        "crossTenantSubscriptionEnabled": control.settings().portal.cross_tenant_subscriptions,
        "authorizationHeader": "Authorization",
        "isJWTEnabledForLoginTokens": false,
        "orgAccessControlEnabled": false,
        "allowSubscriptionValidationDisabling": true,
        "customProperties": properties,
        "gatewayTypes": ["Regular"],
    });
    Ok(json(StatusCode::OK, &answer))
}

async fn tags(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    Ok(json(StatusCode::OK, &page.answer(control.api_tags(&Actor::of(&permit)).await?)))
}

async fn linter_rules(control: Arc<Control>, permit: Permit, _call: Call) -> Result<Answer, ControlError> {
    let rules = tenant_config::linter_rules(&control, &Actor::of(&permit)).await?;
    Ok(rules.map_or_else(|| no_content(StatusCode::NO_CONTENT), |rules| json(StatusCode::OK, &rules)))
}

async fn validate_endpoint(control: Arc<Control>, _permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let url = call
        .query("endpointUrl")
        .ok_or_else(|| RestError::bad_request("The query parameter endpointUrl is missing."))?;
    let answer = match control.egress().send(Method::HEAD, url, None).await {
        Ok(answer) => object!({
            "statusCode": answer.status.as_u16(),
            "statusMessage": answer.status.canonical_reason().unwrap_or_default(),
            "error": null,
        }),
        Err(error) => object!({"statusCode": 0, "statusMessage": "", "error": error.to_string()}),
    };
    Ok(json(StatusCode::OK, &answer))
}

async fn subscription_policies(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let found = control.api(&Actor::of(&permit), &id.to_string()).await?;
    let plans: Vec<Value> = found.plans().into_iter().map(|name| object!({"name": name})).collect();
    Ok(json(StatusCode::OK, &plans))
}

async fn generate_key(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let (key, seconds) = control.internal_key(&Actor::of(&permit), api_id(&call)?).await?;
    Ok(json(StatusCode::OK, &object!({"apikey": key.expose(), "validityTime": seconds})))
}
