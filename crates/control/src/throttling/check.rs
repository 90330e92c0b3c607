//! The Admin API's policy objects: what is accepted, and the form it is kept in.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::{Level, UNLIMITED, unit_seconds};
use crate::field::Field;
use crate::{ControlError, FaultKind};

/// Most conditional groups of a policy, and most conditions of a group.
const MAX_GROUPS: usize = 100;

/// A checked policy object.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Its name.
    pub(crate) name: String,
    /// What is kept: the known fields, defaults filled in, without `policyId`.
    pub(crate) document: Value,
}

/// Checks a policy object of the Admin API.
///
/// # Errors
/// 400 with one item per fault.
pub(crate) fn check(level: Level, input: &Value) -> Result<Checked, ControlError> {
    let mut faults = Vec::new();
    let name = input.at("policyName").as_str().unwrap_or_default().trim().to_owned();
    check_name(&name, &mut faults);
    let text = |field: &str| input.at(field).as_str().unwrap_or_default().to_owned();
    let mut document = Map::new();
    document.insert("policyName".into(), json!(name));
    document.insert("displayName".into(), json!(input.at("displayName").as_str().unwrap_or(&name)));
    document.insert("description".into(), json!(text("description")));
    document.insert("isDeployed".into(), json!(true));
    document.insert("type".into(), json!(level.type_name()));
    if level == Level::Custom {
        for field in ["siddhiQuery", "keyTemplate"] {
            if text(field).trim().is_empty() {
                faults.push(format!("{field}: is missing."));
            }
            document.insert(field.into(), json!(text(field)));
        }
        if faults.is_empty()
            && let Err(reason) = super::siddhi::compile(&name, &text("siddhiQuery"), &text("keyTemplate"))
        {
            faults.push(reason);
        }
    } else {
        check_limit(input.at("defaultLimit"), "defaultLimit", &mut faults);
        document.insert("defaultLimit".into(), input.at("defaultLimit").clone());
    }
    match level {
        Level::Subscription => subscription(input, &mut document, &mut faults),
        Level::Advanced => groups(input, &mut document, &mut faults),
        Level::Application => {
            if input.at("burstLimit").is_object() {
                check_burst(input.at("burstLimit"), &mut faults);
                document.insert("burstLimit".into(), input.at("burstLimit").clone());
            }
        }
        Level::Custom => {}
    }
    if faults.is_empty() { Ok(Checked { name, document: Value::Object(document) }) } else { Err(refused(faults)) }
}

/// 400 with one item per fault.
pub(crate) fn refused(faults: Vec<String>) -> ControlError {
    let mut error =
        ControlError::new(FaultKind::Invalid, 400, "Bad Request", format!("Correct this: {}", faults.join(" ")));
    for fault in faults {
        error = error.with_item("400", fault, "");
    }
    error
}

fn check_name(name: &str, faults: &mut Vec<String>) {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    if name.is_empty() || name.chars().count() > 60 || !name.chars().all(allowed) {
        faults.push("policyName: use 1 to 60 letters, digits, '.', '_', '-' or blanks.".to_owned());
    } else if name == UNLIMITED {
        faults.push("policyName: Unlimited is built in.".to_owned());
    }
}

/// Checks a limit: its type, and the numbers that belong to the type.
fn check_limit(limit: &Value, place: &str, faults: &mut Vec<String>) {
    let (part, amounts): (&str, &[&str]) = match limit.at("type").as_str() {
        Some("REQUESTCOUNTLIMIT") => ("requestCount", &["requestCount"]),
        Some("BANDWIDTHLIMIT") => ("bandwidth", &["dataAmount"]),
        Some("EVENTCOUNTLIMIT") => ("eventCount", &["eventCount"]),
        Some("AIAPIQUOTALIMIT") => ("aiApiQuota", &["requestCount", "totalTokenCount"]),
        _ => {
            faults.push(format!(
                "{place}.type: one of REQUESTCOUNTLIMIT, BANDWIDTHLIMIT, EVENTCOUNTLIMIT, AIAPIQUOTALIMIT."
            ));
            return;
        }
    };
    let body = limit.at(part);
    if !body.is_object() {
        faults.push(format!("{place}.{part}: is missing."));
        return;
    }
    if !amounts.iter().any(|field| body.at(field).as_u64().is_some_and(|n| n > 0)) {
        faults.push(format!("{place}.{part}.{}: a number of at least 1.", amounts.join(" or ")));
    }
    if !body.at("unitTime").as_u64().is_some_and(|n| (1..=1_000_000).contains(&n)) {
        faults.push(format!("{place}.{part}.unitTime: a number from 1 to 1000000."));
    }
    if body.at("timeUnit").as_str().and_then(unit_seconds).is_none() {
        faults.push(format!("{place}.{part}.timeUnit: one of sec, min, hour, day, month."));
    }
    if part == "bandwidth" && !matches!(body.at("dataUnit").as_str(), Some("KB" | "MB")) {
        faults.push(format!("{place}.bandwidth.dataUnit: KB or MB."));
    }
}

fn check_burst(input: &Value, faults: &mut Vec<String>) {
    let count = input.at("rateLimitCount").as_i64().unwrap_or(0);
    let known = input.at("rateLimitTimeUnit").as_str().is_some_and(|unit| unit_seconds(unit).is_some());
    if count > 0 && !known {
        faults.push("rateLimitTimeUnit: one of sec, min, hour.".to_owned());
    }
}

fn subscription(input: &Value, document: &mut Map<String, Value>, faults: &mut Vec<String>) {
    for field in ["graphQLMaxComplexity", "graphQLMaxDepth", "rateLimitCount", "subscriberCount"] {
        match input.at(field) {
            Value::Null => document.insert(field.into(), json!(0)),
            number if number.as_i64().is_some_and(|n| n >= -1) => document.insert(field.into(), number.clone()),
            _ => {
                faults.push(format!("{field}: a whole number of at least -1."));
                None
            }
        };
    }
    check_burst(input, faults);
    document.insert("rateLimitTimeUnit".into(), input.at("rateLimitTimeUnit").clone());
    document.insert("monetization".into(), input.at("monetization").clone());
    document.insert("customAttributes".into(), attributes(input.at("customAttributes"), faults));
    document.insert("stopOnQuotaReach".into(), json!(input.at("stopOnQuotaReach").as_bool().unwrap_or(false)));
    match input.at("billingPlan").as_str().unwrap_or("FREE") {
        plan @ ("FREE" | "COMMERCIAL") => document.insert("billingPlan".into(), json!(plan)),
        _ => {
            faults.push("billingPlan: FREE or COMMERCIAL.".to_owned());
            None
        }
    };
    let permissions = input.at("permissions");
    if !permissions.is_null() {
        check_permissions(permissions, faults);
    }
    document.insert("permissions".into(), permissions.clone());
}

/// Checks `permissions`: which roles may or may not.
pub(crate) fn check_permissions(permissions: &Value, faults: &mut Vec<String>) {
    if !matches!(permissions.at("permissionType").as_str(), Some("ALLOW" | "DENY" | "PUBLIC")) {
        faults.push("permissions.permissionType: ALLOW or DENY.".to_owned());
    }
    let roles = permissions.at("roles").as_array().map(Vec::as_slice).unwrap_or_default();
    if roles.len() > 1000 || !roles.iter().all(|role| role.as_str().is_some_and(|r| !r.is_empty() && r.len() <= 255)) {
        faults.push("permissions.roles: a list of at most 1000 role names.".to_owned());
    }
}

fn attributes(input: &Value, faults: &mut Vec<String>) -> Value {
    let list = input.as_array().cloned().unwrap_or_default();
    if list.len() > 100 || !list.iter().all(|a| a.at("name").is_string() && a.at("value").is_string()) {
        faults.push("customAttributes: at most 100 pairs of name and value.".to_owned());
    }
    Value::Array(list)
}

fn groups(input: &Value, document: &mut Map<String, Value>, faults: &mut Vec<String>) {
    let groups = input.at("conditionalGroups").as_array().cloned().unwrap_or_default();
    if groups.len() > MAX_GROUPS {
        faults.push(format!("conditionalGroups: at most {MAX_GROUPS}."));
    }
    for (number, group) in groups.iter().take(MAX_GROUPS).enumerate() {
        let place = format!("conditionalGroups[{number}]");
        check_limit(group.at("limit"), &format!("{place}.limit"), faults);
        let conditions = group.at("conditions").as_array().map(Vec::as_slice).unwrap_or_default();
        if conditions.is_empty() || conditions.len() > MAX_GROUPS {
            faults.push(format!("{place}.conditions: 1 to {MAX_GROUPS} conditions."));
        }
        for condition in conditions.iter().take(MAX_GROUPS) {
            check_condition(condition, &place, faults);
        }
    }
    document.insert("conditionalGroups".into(), Value::Array(groups));
}

fn check_condition(condition: &Value, place: &str, faults: &mut Vec<String>) {
    let fields = match condition.at("type").as_str() {
        Some("HEADERCONDITION") => ("headerCondition", ["headerName", "headerValue"]),
        Some("JWTCLAIMSCONDITION") => ("jwtClaimsCondition", ["claimUrl", "attribute"]),
        Some("QUERYPARAMETERCONDITION") => ("queryParameterCondition", ["parameterName", "parameterValue"]),
        Some("IPCONDITION") => {
            let ip = condition.at("ipCondition");
            let wanted: &[&str] =
                if ip.at("ipConditionType") == "IPRANGE" { &["startingIP", "endingIP"] } else { &["specificIP"] };
            for field in wanted {
                if ip.at(field).as_str().and_then(|text| text.parse::<IpAddr>().ok()).is_none() {
                    faults.push(format!("{place}.ipCondition.{field}: an IP address."));
                }
            }
            return;
        }
        _ => {
            faults.push(format!(
                "{place}.type: one of HEADERCONDITION, IPCONDITION, JWTCLAIMSCONDITION, \
                                 QUERYPARAMETERCONDITION."
            ));
            return;
        }
    };
    let pattern = condition.at(fields.0).at(fields.1[1]).as_str().unwrap_or_default();
    if let Err(error) = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build() {
        faults.push(format!("{place}.{}.{}: it is no regular expression: {error}.", fields.0, fields.1[1]));
    }
    for field in fields.1 {
        if condition.at(fields.0).at(field).as_str().is_none_or(str::is_empty) {
            faults.push(format!("{place}.{}.{field}: is missing.", fields.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::throttling::Level;
    use serde_json::json;

    #[test]
    fn every_fault_is_named() {
        let error = check(
            Level::Advanced,
            &json!({"policyName": "a\nb", "defaultLimit": {"type": "REQUESTCOUNTLIMIT",
                "requestCount": {"requestCount": 0, "unitTime": 0, "timeUnit": "fortnight"}},
                "conditionalGroups": [{"conditions": [{"type": "IPCONDITION",
                    "ipCondition": {"ipConditionType": "IPRANGE", "startingIP": "1.2.3"}}]}]}),
        )
        .unwrap_err();
        assert_eq!(error.items.len(), 7, "{error:?}");
    }

    #[test]
    fn unlimited_cannot_be_redefined() {
        let limit = json!({"type": "REQUESTCOUNTLIMIT",
                           "requestCount": {"requestCount": 1, "unitTime": 1, "timeUnit": "min"}});
        assert!(check(Level::Application, &json!({"policyName": "Unlimited", "defaultLimit": limit})).is_err());
        assert!(check(Level::Application, &json!({"policyName": "10 a.b-c", "defaultLimit": limit})).is_ok());
    }
}
