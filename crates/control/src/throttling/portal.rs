//! Policies as the Publisher and the Developer Portal show them.

use model::TenantId;
use serde_json::{Value, json};
use store::repository::throttling::{self as policies, ThrottlePolicyRow};
use store::{StoreError, UnitOfWork};

use super::{Level, NO_LIMIT, UNLIMITED, may_use};

use crate::field::Field;

/// Policies of a level that somebody may use, `Unlimited` where it exists last.
pub(crate) async fn views(
    work: &mut UnitOfWork,
    tenant: TenantId,
    level: Level,
    has_role: impl Fn(&str) -> bool,
    unlimited: bool,
) -> Result<Vec<Value>, StoreError> {
    let mut list: Vec<Value> = policies::list(work, tenant, level.as_str())
        .await?
        .iter()
        .filter(|row| may_use(&row.document, &has_role))
        .map(|row| view(row, level))
        .collect();
    if unlimited {
        list.push(unlimited_view(level));
    }
    Ok(list)
}

/// One policy.
pub(crate) fn view(row: &ThrottlePolicyRow, level: Level) -> Value {
    let limit = row.document.at("defaultLimit");
    let (kind, part, amount, unit) = match limit.at("type").as_str() {
        Some("BANDWIDTHLIMIT") => ("BANDWIDTHVOLUME", limit.at("bandwidth"), "dataAmount", "dataUnit"),
        Some("EVENTCOUNTLIMIT") => ("EVENTCOUNT", limit.at("eventCount"), "eventCount", ""),
        Some("AIAPIQUOTALIMIT") => ("AIAPIQUOTA", limit.at("aiApiQuota"), "requestCount", ""),
        _ => ("REQUESTCOUNT", limit.at("requestCount"), "requestCount", ""),
    };
    let mut attributes = serde_json::Map::new();
    for attribute in row.document.at("customAttributes").as_array().map(Vec::as_slice).unwrap_or_default() {
        if let Some(name) = attribute.at("name").as_str() {
            attributes.insert(name.to_owned(), attribute.at("value").clone());
        }
    }
    json!({
        "name": row.name,
        "displayName": row.document.at("displayName"),
        "description": row.document.at("description"),
        "policyLevel": level.as_str(),
        "attributes": attributes,
        "requestCount": part.at(amount),
        "dataUnit": if unit.is_empty() { Value::Null } else { part.at(unit).clone() },
        "unitTime": part.at("unitTime"),
        "timeUnit": part.at("timeUnit"),
        "rateLimitCount": row.document.at("rateLimitCount").as_i64().unwrap_or(0),
        "rateLimitTimeUnit": row.document.at("rateLimitTimeUnit"),
        "quotaPolicyType": kind,
        "tierPlan": row.document.at("billingPlan").as_str().unwrap_or("FREE"),
        "stopOnQuotaReach": row.document.at("stopOnQuotaReach").as_bool().unwrap_or(true),
        "monetizationAttributes": row.document.at("monetization"),
        "throttlingPolicyPermissions": permissions(row.document.at("permissions")),
    })
}

fn permissions(stored: &Value) -> Value {
    match stored.at("permissionType").as_str() {
        Some(kind) => json!({"type": kind.to_ascii_lowercase(), "roles": stored.at("roles")}),
        None => Value::Null,
    }
}

/// `Unlimited`, which is not stored.
pub(crate) fn unlimited_view(level: Level) -> Value {
    json!({
        "name": UNLIMITED,
        "displayName": UNLIMITED,
        "description": "Allows unlimited requests",
        "policyLevel": level.as_str(),
        "attributes": {},
        "requestCount": NO_LIMIT,
        "dataUnit": Value::Null,
        "unitTime": 0,
        "timeUnit": Value::Null,
        "rateLimitCount": 0,
        "rateLimitTimeUnit": Value::Null,
        "quotaPolicyType": "REQUESTCOUNT",
        "tierPlan": "FREE",
        "stopOnQuotaReach": true,
        "monetizationAttributes": Value::Null,
        "throttlingPolicyPermissions": Value::Null,
    })
}
