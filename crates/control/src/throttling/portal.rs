//! Policies as the Publisher and the Developer Portal show them.

use model::TenantId;
use serde_json::{Value, json};
use store::repository::throttling::{self as policies, ThrottlePolicyRow};
use store::{StoreError, UnitOfWork};

use super::{Level, NO_LIMIT, UNLIMITED, may_use};

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
    let limit = &row.document["defaultLimit"];
    let (kind, part, amount, unit) = match limit["type"].as_str() {
        Some("BANDWIDTHLIMIT") => ("BANDWIDTHVOLUME", &limit["bandwidth"], "dataAmount", "dataUnit"),
        Some("EVENTCOUNTLIMIT") => ("EVENTCOUNT", &limit["eventCount"], "eventCount", ""),
        Some("AIAPIQUOTALIMIT") => ("AIAPIQUOTA", &limit["aiApiQuota"], "requestCount", ""),
        _ => ("REQUESTCOUNT", &limit["requestCount"], "requestCount", ""),
    };
    let mut attributes = serde_json::Map::new();
    for attribute in row.document["customAttributes"].as_array().map(Vec::as_slice).unwrap_or_default() {
        if let Some(name) = attribute["name"].as_str() {
            attributes.insert(name.to_owned(), attribute["value"].clone());
        }
    }
    json!({
        "name": row.name,
        "displayName": row.document["displayName"],
        "description": row.document["description"],
        "policyLevel": level.as_str(),
        "attributes": attributes,
        "requestCount": part[amount],
        "dataUnit": if unit.is_empty() { Value::Null } else { part[unit].clone() },
        "unitTime": part["unitTime"],
        "timeUnit": part["timeUnit"],
        "rateLimitCount": row.document["rateLimitCount"].as_i64().unwrap_or(0),
        "rateLimitTimeUnit": row.document["rateLimitTimeUnit"],
        "quotaPolicyType": kind,
        "tierPlan": row.document["billingPlan"].as_str().unwrap_or("FREE"),
        "stopOnQuotaReach": row.document["stopOnQuotaReach"].as_bool().unwrap_or(true),
        "monetizationAttributes": row.document["monetization"],
        "throttlingPolicyPermissions": permissions(&row.document["permissions"]),
    })
}

fn permissions(stored: &Value) -> Value {
    match stored["permissionType"].as_str() {
        Some(kind) => json!({"type": kind.to_ascii_lowercase(), "roles": stored["roles"]}),
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
