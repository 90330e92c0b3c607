//! What is refused in an API object, with WSO2's codes.

use model::ApiDocument;
use serde_json::Value;

use crate::{ControlError, FaultKind};

/// Characters that neither name nor version may hold (WSO2's list).
const FORBIDDEN_NAME: &str = "~!@#;:%^*()+={}|\\<>\"',&/$[]";
/// Known kinds.
const KINDS: [&str; 9] = ["HTTP", "WS", "SOAP", "SOAPTOREST", "GRAPHQL", "WEBSUB", "SSE", "WEBHOOK", "ASYNC"];
/// Accepted entries of `securityScheme`.
const SCHEMES: [&str; 7] = [
    "oauth2",
    "basic_auth",
    "api_key",
    "mutualssl",
    "mutualssl_mandatory",
    "oauth_basic_auth_api_key_mandatory",
    // WSO2's older name of the one before.
    "oauth_basic_auth_mandatory",
];
/// Largest number of tags, properties, roles and the like.
const MAX_ITEMS: usize = 200;

/// Collected faults of one object.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(u32, String, String)>);

impl Faults {
    /// Notes one.
    pub(crate) fn add(&mut self, code: u32, message: &str, description: impl Into<String>) {
        self.0.push((code, message.to_owned(), description.into()));
    }

    /// Notes a wrong field without a code of its own.
    pub(crate) fn field(&mut self, field: &str, reason: &str) {
        self.add(400, "Bad Request", format!("{field}: {reason}"));
    }

    /// The error with the first fault in front and all of them as items.
    ///
    /// # Errors
    /// 400 when anything was noted.
    pub(crate) fn into_result(self) -> Result<(), ControlError> {
        let Some((code, message, description)) = self.0.first().cloned() else { return Ok(()) };
        let mut error = ControlError::new(FaultKind::Invalid, code, message, description);
        for (code, message, description) in self.0 {
            error = error.with_item(code.to_string(), message, description);
        }
        Err(error)
    }
}

/// Checks name and version.
pub(crate) fn check_names(name: &str, version: &str, faults: &mut Faults) {
    if name.is_empty() || name.chars().count() > 60 {
        faults.field("name", "it has 1 to 60 characters");
    } else if name.chars().any(|c| c.is_control() || FORBIDDEN_NAME.contains(c)) {
        faults.field("name", "it must not hold any of ~!@#;:%^*()+={}|\\<>\"',&/$[]");
    }
    if version.is_empty() || version.chars().count() > 30 {
        faults.field("version", "it has 1 to 30 characters");
    } else if version.chars().any(|c| c.is_whitespace() || c.is_control() || FORBIDDEN_NAME.contains(c)) {
        faults.field("version", "it must not hold spaces or any of ~!@#;:%^*()+={}|\\<>\"',&/$[]");
    } else if version.starts_with('.') && version.chars().all(|c| c == '.') {
        faults.field("version", "dots alone would be another path");
    }
}

/// The context as it is stored: one leading slash, none behind, the tenant's prefix in front.
///
/// # Errors
/// 400 with code 900253 when it is malformed, 900346 when it is reserved.
pub(crate) fn normal_context(given: &str, prefix: &str) -> Result<String, ControlError> {
    let malformed = |reason: &str| {
        ControlError::new(FaultKind::Invalid, 900_253, "The API context is malformed.", format!("'{given}': {reason}"))
    };
    let path = format!("/{}", given.trim_start_matches('/'));
    // An exported object carries the tenant's prefix of where it came from.
    let path = match path.strip_prefix("/t/").and_then(|rest| rest.split_once('/')) {
        Some((domain, rest)) if domain.contains('.') => format!("/{rest}"),
        _ => path,
    };
    if path.len() < 2 {
        return Err(malformed("give a path such as /pizza"));
    }
    if path.len() > 232 {
        return Err(malformed("it has at most 232 characters"));
    }
    if path.ends_with('/') {
        return Err(malformed("it must not end with a slash"));
    }
    for segment in path.split('/').skip(1) {
        if segment == "{version}" {
            continue;
        }
        if segment.contains(['{', '}']) {
            return Err(malformed("{version} must stand alone between two slashes, and nothing else may be in braces"));
        }
        if segment.is_empty() || segment == "." || segment == ".." {
            return Err(malformed("it must not hold empty segments or dots"));
        }
        let allowed = |c: char| c.is_alphanumeric() || "-_.~!$'()*,;:@=".contains(c);
        if !segment.chars().all(allowed) {
            return Err(malformed("use letters, digits and - _ . ~ in its segments"));
        }
        if segment.matches('(').count() != segment.matches(')').count() {
            return Err(malformed("its brackets do not match"));
        }
    }
    if path.matches("{version}").count() > 1 {
        return Err(malformed("{version} may stand in it once"));
    }
    if model::admin_context(&path).is_some() {
        return Err(ControlError::new(
            FaultKind::Invalid,
            900_346,
            "Invalid context provided",
            format!("N06.1: {path} belongs to the management side of the server; choose another context"),
        ));
    }
    Ok(format!("{prefix}{path}"))
}

/// Whether an API of this type is described by an AsyncAPI definition.
pub(crate) fn is_streaming(kind: &str) -> bool {
    matches!(kind, "WS" | "SSE" | "WEBSUB" | "WEBHOOK" | "ASYNC")
}

/// The type of an API whose server speaks this protocol; `ASYNC` for what no gateway of this kind serves.
pub(crate) fn type_of_protocol(protocol: &str) -> &'static str {
    match protocol.to_ascii_lowercase().as_str() {
        "ws" | "wss" => "WS",
        "sse" => "SSE",
        "websub" => "WEBSUB",
        _ => "ASYNC",
    }
}

/// Checks everything in the object that needs no other data.
pub(crate) fn check_document(api: &ApiDocument, faults: &mut Faults) {
    check_names(api.name(), api.version(), faults);
    if !KINDS.contains(&api.kind()) {
        faults.add(900_327, "API Type specified is invalid.", format!("type: it is one of {}", KINDS.join(", ")));
    }
    let advertised = api.get("advertiseInfo").and_then(|a| a.get("advertised")?.as_bool()).unwrap_or(false);
    if api.kind() == "ASYNC" && !advertised {
        faults.add(
            400,
            "Bad Request",
            "type: ASYNC type APIs only can be created as third party APIs; set advertiseInfo.advertised",
        );
    }
    one_of(api, "visibility", &["PUBLIC", "PRIVATE", "RESTRICTED"], faults);
    one_of(api, "accessControl", &["NONE", "RESTRICTED"], faults);
    one_of(api, "subscriptionAvailability", &["CURRENT_TENANT", "ALL_TENANTS", "SPECIFIC_TENANTS"], faults);
    for field in ["tags", "policies", "transport", "visibleRoles", "accessControlRoles", "categories"] {
        check_texts(api, field, faults);
    }
    for transport in api.texts("transport") {
        if !matches!(transport, "http" | "https" | "ws" | "wss") {
            faults.field("transport", "it holds http, https or both");
        }
    }
    for scheme in api.texts("securityScheme") {
        if !SCHEMES.contains(&scheme) {
            faults.field("securityScheme", &format!("{scheme} is not one of {}", SCHEMES.join(", ")));
        }
    }
    if api.visibility() == "RESTRICTED" && api.texts("visibleRoles").is_empty() {
        faults.add(900_601, "Role list cannot be null", "visibleRoles: a restricted API needs at least one role");
    }
    if api.text("accessControl") == "RESTRICTED" && api.texts("accessControlRoles").is_empty() {
        faults.add(
            900_610,
            "Access control roles cannot be empty",
            "Access control roles cannot be empty when visibility is restricted",
        );
    }
    check_cors(api, faults);
    check_operations(api, faults);
    check_endpoints(api, faults);
    check_properties(api, faults);
}

fn one_of(api: &ApiDocument, field: &str, allowed: &[&str], faults: &mut Faults) {
    let text = api.text(field);
    if !text.is_empty() && !allowed.contains(&text) {
        faults.field(field, &format!("it is one of {}", allowed.join(", ")));
    }
}

fn check_texts(api: &ApiDocument, field: &str, faults: &mut Faults) {
    match api.get(field) {
        None => {}
        Some(Value::Array(items)) if items.len() > MAX_ITEMS => {
            faults.field(field, &format!("it has at most {MAX_ITEMS} entries"));
        }
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {}
        Some(_) => faults.field(field, "it is a list of texts"),
    }
}

/// A wildcard origin together with credentials lets any site act as the user (guideline X07).
fn check_cors(api: &ApiDocument, faults: &mut Faults) {
    let Some(cors) = api.get("corsConfiguration") else { return };
    let flag = |name: &str| cors.get(name).and_then(Value::as_bool).unwrap_or(false);
    let origins = cors.get("accessControlAllowOrigins").and_then(Value::as_array);
    let any = origins.into_iter().flatten().any(|o| o.as_str() == Some("*"));
    if flag("corsConfigurationEnabled") && flag("accessControlAllowCredentials") && any {
        faults.field(
            "corsConfiguration",
            "X07: credentials and the origin * together let every site act as the user; list the origins",
        );
    }
}

fn check_operations(api: &ApiDocument, faults: &mut Faults) {
    let mut seen = std::collections::BTreeSet::new();
    for (index, operation) in api.operations().iter().enumerate() {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
        let (target, verb) = (text("target"), text("verb"));
        let place = format!("operations[{index}]");
        if target.is_empty() || verb.is_empty() {
            faults.field(&place, "it needs target and verb");
            continue;
        }
        let is_path = matches!(api.kind(), "HTTP" | "SOAP" | "SOAPTOREST");
        if is_path && !target.starts_with('/') {
            faults.field(&place, "target starts with a slash");
        }
        if is_path && !matches!(verb, "GET" | "PUT" | "POST" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS" | "TRACE") {
            faults.field(&place, &format!("{verb} is not a method"));
        }
        if !seen.insert((target, verb)) {
            faults.field(&place, &format!("{verb} {target} stands twice"));
        }
    }
}

/// Endpoint URLs are absolute http or https (ws, wss for WebSocket) URLs without user information.
fn check_endpoints(api: &ApiDocument, faults: &mut Faults) {
    let Some(config) = api.get("endpointConfig") else { return };
    let kind = config.get("endpoint_type").and_then(Value::as_str).unwrap_or("http");
    if !matches!(kind, "http" | "address" | "load_balance" | "failover" | "service" | "ws") {
        return;
    }
    for side in ["production_endpoints", "sandbox_endpoints", "production_failovers", "sandbox_failovers"] {
        let list: Vec<&Value> = match config.get(side) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items.iter().collect(),
            Some(Value::String(text)) if text.is_empty() => continue,
            Some(other) => vec![other],
        };
        for endpoint in list {
            let url = endpoint.get("url").and_then(Value::as_str).or_else(|| endpoint.as_str()).unwrap_or_default();
            if url.is_empty() {
                continue;
            }
            if let Some(reason) = url_fault(url) {
                faults.add(900_346, "Endpoint URL(s) is(are) not valid", format!("endpointConfig.{side}: {reason}"));
            }
        }
    }
}

/// Why a text is not an endpoint URL.
fn url_fault(url: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("it is an absolute URL such as https://host/");
    };
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ws" | "wss") {
        return Some("its scheme is http, https, ws or wss");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Some("it has no host");
    }
    if authority.contains('@') {
        return Some("user name and password do not belong into the URL: use endpoint_security");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Some("it holds blanks, backslashes or control characters");
    }
    if let Some((_, port)) = authority.rsplit_once(':')
        && !authority.ends_with(']')
        && port.parse::<u16>().is_err()
    {
        return Some("its port is not a number from 1 to 65535");
    }
    None
}

fn check_properties(api: &ApiDocument, faults: &mut Faults) {
    for property in api.items("additionalProperties") {
        let name = property.get("name").and_then(Value::as_str).unwrap_or_default();
        let value = property.get("value").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() || name.len() > 80 || value.len() > 900 || name.contains(char::is_whitespace) {
            faults.add(
                900_346,
                "Invalid additional properties",
                format!("additionalProperties: {name:?} needs a name of 1 to 80 characters without blanks and a value of at most 900"),
            );
        }
    }
}
