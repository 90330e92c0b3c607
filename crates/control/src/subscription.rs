//! Subscriptions of applications to APIs.

pub(crate) mod consumer;
pub(crate) mod publisher;

use model::SubscriptionId;
use serde_json::{Value, json};
use store::repository::api::ApiRow;
use store::repository::application::ApplicationRow;
use store::repository::subscription::SubscriptionRow;

use crate::{ControlError, FaultKind};

/// 404 for a subscription.
fn unknown(id: SubscriptionId) -> ControlError {
    ControlError::not_found(format!("There is no subscription with the id {id}."))
}

/// 403 for a plan that the API does not offer to this consumer.
fn plan_refused(plan: &str) -> ControlError {
    ControlError::new(
        FaultKind::Forbidden,
        900_966,
        "Forbidden",
        format!("Tier {plan} is not allowed for this API and application owner."),
    )
}

/// As the Developer Portal shows a subscription.
fn shown(row: &SubscriptionRow, application: &ApplicationRow, api: Option<&ApiRow>) -> Value {
    json!({
        "subscriptionId": row.id.to_string(),
        "applicationId": row.application.to_string(),
        "apiId": row.api.to_string(),
        "apiInfo": api.map(|api| json!({
            "id": api.id.to_string(),
            "name": api.name,
            "context": api.context,
            "version": api.version,
            "type": api.kind,
            "provider": api.provider,
            "lifeCycleStatus": api.lifecycle,
        })),
        "applicationInfo": {
            "applicationId": application.id.to_string(),
            "name": application.name,
            "throttlingPolicy": application.policy,
            "description": application.description,
            "status": application.status,
            "groups": application.groups,
            "owner": application.owner,
        },
        "throttlingPolicy": row.plan,
        "requestedThrottlingPolicy": row.requested_plan,
        "status": row.status,
        "redirectionParams": Value::Null,
    })
}
