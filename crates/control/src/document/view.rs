//! The API object and its summary as answers show them.

use model::ApiDocument;
use serde_json::{Value, json};
use store::repository::api::ApiRow;

use super::strip_secrets;
use crate::ControlError;

/// What an answer needs besides the row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ViewContext<'a> {
    /// Existing business plans; plans that were deleted are left out. `None` shows all.
    pub(crate) plans: Option<&'a [String]>,
}

/// The whole object, without secrets.
///
/// # Errors
/// When the stored object is damaged.
pub(crate) fn view(row: &ApiRow, context: ViewContext<'_>) -> Result<ApiDocument, ControlError> {
    let mut api = parse(row)?;
    strip_secrets(&mut api);
    api.set("id", row.id.to_string());
    api.set("name", row.name.clone());
    api.set("version", row.version.clone());
    api.set("context", row.context.clone());
    api.set("provider", row.provider.clone());
    api.set("type", row.kind.clone());
    api.set("lifeCycleStatus", row.lifecycle.clone());
    api.set_default("hasThumbnail", false);
    api.set("isDefaultVersion", row.is_default);
    api.set("createdTime", row.created_at.millis().to_string());
    api.set("createdTimestamp", row.created_at.rfc3339());
    api.set("lastUpdatedTime", row.updated_at.millis().to_string());
    api.set("lastUpdatedTimestamp", row.updated_at.rfc3339());
    api.set("updatedBy", row.updated_by.clone());
    if let Some(plans) = context.plans {
        let kept: Vec<&str> = api.plans().into_iter().filter(|p| plans.iter().any(|k| k == p)).collect();
        let kept: Vec<Value> = kept.into_iter().map(Value::from).collect();
        api.set("policies", kept);
    }
    if !api.get("additionalProperties").is_some_and(Value::is_array) {
        api.set("additionalProperties", json!([]));
    }
    Ok(api)
}

/// The entry of a list.
///
/// # Errors
/// When the stored object is damaged.
pub(crate) fn summary(row: &ApiRow) -> Result<Value, ControlError> {
    let api = parse(row)?;
    let field = |name: &str| api.get(name).cloned().unwrap_or(Value::Null);
    Ok(json!({
        "id": row.id.to_string(),
        "name": row.name,
        "displayName": api.get("displayName").cloned().unwrap_or_else(|| row.name.clone().into()),
        "description": field("description"),
        "context": row.context,
        "additionalProperties": field("additionalProperties"),
        "additionalPropertiesMap": field("additionalPropertiesMap"),
        "version": row.version,
        "provider": row.provider,
        "type": row.kind,
        "audience": null,
        "audiences": field("audiences"),
        "lifeCycleStatus": row.lifecycle,
        "workflowStatus": null,
        "hasThumbnail": api.flag("hasThumbnail"),
        "securityScheme": field("securityScheme"),
        "createdTime": row.created_at.millis().to_string(),
        "updatedTime": row.updated_at.millis().to_string(),
        "updatedBy": row.updated_by,
        "gatewayVendor": field("gatewayVendor"),
        "gatewayType": field("gatewayType"),
        "advertiseInfo": field("advertiseInfo"),
        "tags": field("tags"),
        "businessOwner": api.get("businessInformation").and_then(|b| b.get("businessOwner")).cloned(),
        "technicalOwner": api.get("businessInformation").and_then(|b| b.get("technicalOwner")).cloned(),
        "isDefaultVersion": row.is_default,
    }))
}

fn parse(row: &ApiRow) -> Result<ApiDocument, ControlError> {
    serde_json::from_str(&row.document)
        .map_err(|e| ControlError::internal(format!("the stored object of API {} is damaged: {e}", row.id)))
}
