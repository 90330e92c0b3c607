//! What WSO2 fills in when a field is absent.

use model::ApiDocument;
use serde_json::{Value, json};

/// Verbs of the resource set that an API without resources gets.
const DEFAULT_VERBS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "PATCH"];

/// Fills absent fields of a new or replaced API object.
pub(crate) fn fill_defaults(api: &mut ApiDocument) {
    let defaults = json!({
        "type": "HTTP",
        "description": "",
        "isDefaultVersion": false,
        "isRevision": false,
        "revisionId": 0,
        "enableSchemaValidation": false,
        "enableSubscriberVerification": false,
        "responseCachingEnabled": false,
        "cacheTimeout": 300,
        "transport": ["http", "https"],
        "tags": [],
        "policies": [],
        "organizationPolicies": [],
        "authorizationHeader": "Authorization",
        "apiKeyHeader": "ApiKey",
        "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
        "visibility": "PUBLIC",
        "visibleRoles": [],
        "visibleTenants": [],
        "visibleOrganizations": ["none"],
        "mediationPolicies": [],
        "subscriptionAvailability": "CURRENT_TENANT",
        "subscriptionAvailableTenants": [],
        "additionalProperties": [],
        "additionalPropertiesMap": {},
        "accessControl": "NONE",
        "accessControlRoles": [],
        "businessInformation": {},
        "endpointImplementationType": "ENDPOINT",
        "scopes": [],
        "operations": [],
        "categories": [],
        "keyManagers": ["all"],
        "audiences": ["all"],
        "gatewayVendor": "wso2",
        "gatewayType": "wso2/synapse",
        "asyncTransportProtocols": [],
        "advertiseInfo": {
            "advertised": false,
            "apiExternalProductionEndpoint": null,
            "apiExternalSandboxEndpoint": null,
            "originalDevPortalUrl": null,
            "apiOwner": null,
            "vendor": "WSO2"
        }
    });
    if let Value::Object(defaults) = defaults {
        for (field, value) in defaults {
            api.set_default(&field, value);
        }
    }
    // Portals send a list with one empty text where nothing was chosen.
    for field in ["visibleRoles", "accessControlRoles", "visibleTenants", "tags"] {
        if let Some(Value::Array(items)) = api.fields_mut().get_mut(field) {
            items.retain(|item| item.as_str() != Some(""));
        }
    }
    fill_cors(api);
    fill_operations(api);
    fill_properties(api);
}

fn fill_cors(api: &mut ApiDocument) {
    let given = api.get("corsConfiguration").cloned();
    let enabled = given.as_ref().and_then(|c| c.get("corsConfigurationEnabled")).and_then(Value::as_bool);
    let mut cors = match given {
        Some(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let open = json!({
        "corsConfigurationEnabled": enabled.unwrap_or(false),
        "accessControlAllowOrigins": ["*"],
        "accessControlAllowCredentials": false,
        "accessControlAllowHeaders": ["authorization", "Access-Control-Allow-Origin", "Content-Type", "SOAPAction", "apikey", "Internal-Key"],
        "accessControlAllowMethods": ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"],
        "accessControlExposeHeaders": []
    });
    let untouched = cors.is_empty();
    for (field, value) in open.as_object().into_iter().flatten() {
        match cors.get(field) {
            Some(present) if !present.is_null() => {}
            // A list that the client set to null is empty, not everything.
            _ if !untouched && value.is_array() => {
                cors.insert(field.clone(), json!([]));
            }
            _ => {
                cors.insert(field.clone(), value.clone());
            }
        }
    }
    api.set("corsConfiguration", Value::Object(cors));
}

fn fill_operations(api: &mut ApiDocument) {
    if api.operations().is_empty() {
        let verbs: &[&str] = match api.kind() {
            "HTTP" | "SOAPTOREST" => &DEFAULT_VERBS,
            "SOAP" => &["POST"],
            "WS" => &["PUBLISH", "SUBSCRIBE"],
            "SSE" | "WEBSUB" => &["SUBSCRIBE"],
            _ => &[],
        };
        let operations: Vec<Value> = verbs.iter().map(|verb| json!({"target": "/*", "verb": verb})).collect();
        api.set("operations", operations);
    }
    fill_operation_defaults(api);
}

/// Fills absent fields of every operation.
pub(crate) fn fill_operation_defaults(api: &mut ApiDocument) {
    let Some(Value::Array(operations)) = api.fields_mut().get_mut("operations") else { return };
    for operation in operations.iter_mut().filter_map(Value::as_object_mut) {
        let defaults = json!({
            "id": "",
            "authType": "Application & Application User",
            "scopes": [],
            "usedProductIds": [],
            "amznResourceName": null,
            "amznResourceTimeout": null,
            "payloadSchema": null,
            "uriMapping": null,
            "operationPolicies": {"request": [], "response": [], "fault": []}
        });
        for (field, value) in defaults.as_object().into_iter().flatten() {
            if operation.get(field).is_none_or(Value::is_null) {
                operation.insert(field.clone(), value.clone());
            }
        }
        if let Some(Value::Object(flows)) = operation.get_mut("operationPolicies") {
            for flow in ["request", "response", "fault"] {
                if flows.get(flow).is_none_or(Value::is_null) {
                    flows.insert(flow.to_owned(), json!([]));
                }
            }
        }
        if let Some(Value::String(verb)) = operation.get_mut("verb") {
            *verb = verb.to_uppercase();
        }
    }
}

/// The two forms of custom properties, list and map, say the same; WSO2 clients read either.
fn fill_properties(api: &mut ApiDocument) {
    let map = api.get("additionalPropertiesMap").and_then(Value::as_object).cloned().unwrap_or_default();
    if map.is_empty() {
        let mut built = serde_json::Map::new();
        for entry in api.items("additionalProperties") {
            if let Some(name) = entry.get("name").and_then(Value::as_str) {
                built.insert(name.to_owned(), entry.clone());
            }
        }
        api.set("additionalPropertiesMap", Value::Object(built));
    } else {
        let list: Vec<Value> = map
            .iter()
            .map(|(name, entry)| {
                let mut entry = entry.clone();
                if let Value::Object(fields) = &mut entry {
                    fields.entry("name").or_insert_with(|| name.clone().into());
                    fields.entry("display").or_insert_with(|| false.into());
                }
                entry
            })
            .collect();
        api.set("additionalProperties", list);
    }
}
