//! The definition as clients see it: the author's document, with the API's present operations and WSO2's extensions.

use model::ApiDocument;
use serde_json::{Map, Value, json};

use super::generate::{blank_operation, blank_operation_v2};
use super::openapi::is_verb;
use super::{OpenApi, SpecVersion};

/// Root extensions that only the publisher may see: they tell how the API is operated.
const PUBLISHER_ROOT: [&str; 12] = [
    "x-wso2-cors",
    "x-wso2-auth-header",
    "x-wso2-api-key-header",
    "x-wso2-throttling-tier",
    "x-throttling-tier",
    "x-wso2-production-endpoints",
    "x-wso2-sandbox-endpoints",
    "x-wso2-basePath",
    "x-wso2-transports",
    "x-wso2-application-security",
    "x-wso2-response-cache",
    "x-wso2-mutual-ssl",
];
/// The same of operations.
const PUBLISHER_OPERATION: [&str; 7] = [
    "x-wso2-application-security",
    "x-wso2-sandbox-endpoints",
    "x-wso2-production-endpoints",
    "x-wso2-disable-security",
    "x-wso2-throttling-tier",
    "x-mediation-script",
    "x-uri-mapping",
];
/// The authorisation address of WSO2's own scheme. Nothing calls it; WSO2 writes it because the format demands one.
const NO_AUTHORIZATION_URL: &str = "https://test.com";

/// The definition for those who manage the API: WSO2's extensions, relative server, the scheme `default`.
pub(crate) fn for_publisher(api: &ApiDocument, source: &OpenApi) -> Value {
    let mut root = source.root().clone();
    sync_info(&mut root, api);
    sync_paths(&mut root, api, source);
    set_security(&mut root, api, source.version());
    set_extensions(&mut root, api);
    if source.version() == SpecVersion::V2 {
        root.shift_remove("host");
    } else {
        root.insert("servers".to_owned(), json!([{"url": "/"}]));
    }
    Value::Object(root)
}

/// The definition for consumers: gateway addresses, and none of the publisher's extensions. `servers` are the base
/// URLs of the API at the gateways, HTTPS first.
pub(crate) fn for_consumers(api: &ApiDocument, source: &OpenApi, servers: &[String]) -> Value {
    let Value::Object(mut root) = for_publisher(api, source) else { return Value::Null };
    for name in PUBLISHER_ROOT {
        root.shift_remove(name);
    }
    for_each_operation(&mut root, |operation| {
        for name in PUBLISHER_OPERATION {
            operation.shift_remove(name);
        }
    });
    match (source.version(), servers.first()) {
        (_, None) => {}
        (SpecVersion::V2, Some(first)) => {
            let (scheme, rest) = first.split_once("://").unwrap_or(("https", first));
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            root.insert("host".to_owned(), host.into());
            root.insert("basePath".to_owned(), format!("/{path}").into());
            let mut schemes = vec![scheme.to_owned()];
            for url in servers {
                if let Some((other, _)) = url.split_once("://")
                    && !schemes.iter().any(|s| s == other)
                {
                    schemes.push(other.to_owned());
                }
            }
            root.insert("schemes".to_owned(), schemes.into());
        }
        (_, Some(_)) => {
            let list: Vec<Value> = servers.iter().map(|url| json!({"url": url})).collect();
            root.insert("servers".to_owned(), list.into());
        }
    }
    Value::Object(root)
}

fn sync_info(root: &mut Map<String, Value>, api: &ApiDocument) {
    let info = root.entry("info").or_insert_with(|| json!({}));
    if let Value::Object(info) = info {
        info.insert("title".to_owned(), api.name().into());
        info.insert("version".to_owned(), api.version().into());
    }
}

/// Path items exactly for the API's operations, in their order; what the author wrote about each is kept.
fn sync_paths(root: &mut Map<String, Value>, api: &ApiDocument, source: &OpenApi) {
    let mut paths = Map::new();
    for (name, extension) in root.get("paths").and_then(Value::as_object).into_iter().flatten() {
        if name.starts_with("x-") {
            paths.insert(name.clone(), extension.clone());
        }
    }
    for operation in api.operations() {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
        let (target, verb) = (text("target"), text("verb").to_lowercase());
        let written = source.paths().find(|(path, _)| *path == target).map(|(_, item)| item);
        let item = paths.entry(target.to_owned()).or_insert_with(|| Value::Object(shared_fields(written)));
        let Value::Object(item) = item else { continue };
        let mut rendered = match written.and_then(|w| w.get(&verb)) {
            Some(Value::Object(fields)) => fields.clone(),
            _ => match if source.version() == SpecVersion::V2 {
                blank_operation_v2(target)
            } else {
                blank_operation(target)
            } {
                Value::Object(fields) => fields,
                _ => Map::new(),
            },
        };
        rendered.shift_remove("servers");
        let scopes = operation.get("scopes").cloned().unwrap_or_else(|| json!([]));
        rendered.insert("security".to_owned(), json!([{"default": scopes}]));
        let auth = operation.get("authType").and_then(Value::as_str).unwrap_or("Application & Application User");
        rendered.insert("x-auth-type".to_owned(), auth.into());
        let tier = operation.get("throttlingPolicy").filter(|t| !t.is_null()).cloned();
        rendered.insert("x-throttling-tier".to_owned(), tier.unwrap_or_else(|| "Unlimited".into()));
        rendered.insert("x-wso2-application-security".to_owned(), application_security(api));
        item.insert(verb, Value::Object(rendered));
    }
    root.insert("paths".to_owned(), Value::Object(paths));
}

/// What a path item holds besides its operations.
fn shared_fields(item: Option<&Value>) -> Map<String, Value> {
    let fields = item.and_then(Value::as_object).into_iter().flatten();
    // Servers of a path would lead clients around the gateway.
    fields.filter(|(name, _)| !is_verb(name) && *name != "servers").map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn application_security(api: &ApiDocument) -> Value {
    let accepted: Vec<&str> =
        api.texts("securityScheme").into_iter().filter(|s| matches!(*s, "oauth2" | "basic_auth" | "api_key")).collect();
    let optional = !api.texts("securityScheme").contains(&"oauth_basic_auth_api_key_mandatory");
    json!({"security-types": accepted, "optional": optional})
}

/// WSO2's OAuth scheme `default` with the scopes of the API.
fn set_security(root: &mut Map<String, Value>, api: &ApiDocument, version: SpecVersion) {
    let mut scopes = Map::new();
    let mut bindings = Map::new();
    for entry in api.items("scopes") {
        let Some(scope) = entry.get("scope") else { continue };
        let Some(name) = scope.get("name").and_then(Value::as_str) else { continue };
        let description = scope.get("description").and_then(Value::as_str).unwrap_or_default();
        scopes.insert(name.to_owned(), description.into());
        let roles = scope.get("bindings").and_then(Value::as_array).into_iter().flatten();
        let roles: Vec<&str> = roles.filter_map(Value::as_str).collect();
        bindings.insert(name.to_owned(), roles.join(",").into());
    }
    root.insert("security".to_owned(), json!([{"default": []}]));
    let flow = json!({
        "authorizationUrl": NO_AUTHORIZATION_URL,
        "scopes": scopes,
        "x-scopes-bindings": bindings,
    });
    if version == SpecVersion::V2 {
        let schemes = root.entry("securityDefinitions").or_insert_with(|| json!({}));
        if let (Value::Object(schemes), Value::Object(mut flow)) = (schemes, flow) {
            flow.insert("type".to_owned(), "oauth2".into());
            flow.insert("flow".to_owned(), "implicit".into());
            schemes.insert("default".to_owned(), Value::Object(flow));
        }
        return;
    }
    let components = root.entry("components").or_insert_with(|| json!({}));
    if let Value::Object(components) = components {
        let schemes = components.entry("securitySchemes").or_insert_with(|| json!({}));
        if let Value::Object(schemes) = schemes {
            schemes.insert("default".to_owned(), json!({"type": "oauth2", "flows": {"implicit": flow}}));
        }
    }
}

fn set_extensions(root: &mut Map<String, Value>, api: &ApiDocument) {
    let mut put = |name: &str, value: Option<Value>| match value {
        Some(value) => {
            root.insert(name.to_owned(), value);
        }
        None => {
            root.shift_remove(name);
        }
    };
    let text = |field: &str| Some(api.text(field)).filter(|t| !t.is_empty()).map(Value::from);
    put("x-wso2-auth-header", text("authorizationHeader"));
    put("x-wso2-api-key-header", text("apiKeyHeader"));
    put("x-throttling-tier", text("apiThrottlingPolicy"));
    put("x-wso2-cors", Some(api.get("corsConfiguration").cloned().unwrap_or_else(|| json!({}))));
    put("x-wso2-production-endpoints", Some(endpoints(api, "production_endpoints")));
    put("x-wso2-sandbox-endpoints", Some(endpoints(api, "sandbox_endpoints")));
    put("x-wso2-basePath", Some(format!("{}/{}", api.context(), api.version()).into()));
    put("x-wso2-transports", Some(api.texts("transport").into()));
    put("x-wso2-application-security", Some(application_security(api)));
    let cached = api.flag("responseCachingEnabled");
    let seconds = api.get("cacheTimeout").and_then(Value::as_i64).unwrap_or(300);
    put("x-wso2-response-cache", Some(json!({"enabled": cached, "cacheTimeoutInSeconds": seconds})));
}

/// Endpoint addresses in the form of WSO2's extension.
fn endpoints(api: &ApiDocument, side: &str) -> Value {
    let Some(config) = api.get("endpointConfig") else { return json!({}) };
    let kind = config.get("endpoint_type").and_then(Value::as_str).unwrap_or("http");
    let found = match config.get(side) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item @ Value::Object(_)) => vec![item],
        _ => return json!({}),
    };
    let urls: Vec<&str> = found.iter().filter_map(|e| e.get("url")?.as_str()).collect();
    let mut extension = json!({"urls": urls, "type": kind});
    let advanced = found.first().and_then(|e| e.get("advanceEndpointConfig")).filter(|v| !v.is_null());
    if let (Some(advanced), Value::Object(fields)) = (advanced, &mut extension) {
        fields.insert("advanceEndpointConfig".to_owned(), advanced.clone());
    }
    extension
}

fn for_each_operation(root: &mut Map<String, Value>, mut change: impl FnMut(&mut Map<String, Value>)) {
    let Some(Value::Object(paths)) = root.get_mut("paths") else { return };
    for item in paths.values_mut().filter_map(Value::as_object_mut) {
        for (name, operation) in item.iter_mut() {
            if let (true, Value::Object(operation)) = (is_verb(name), operation) {
                change(operation);
            }
        }
    }
}
