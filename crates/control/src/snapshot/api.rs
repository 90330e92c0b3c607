//! One API object as the gateway serves it.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::snapshot::{
    ApiKind, ApiSecurity, Backend, Cors, DeployedApi, Endpoint, EndpointSecurity, EndpointStrategy, Lifecycle,
    PolicyFlows, PolicyUse, Resource, Transports,
};
use model::{ApiDocument, ApiId, RevisionId, TenantId};
use serde_json::Value;

use super::traffic;
use crate::Sealer;
use crate::document::{open_policy_secrets, open_secret};
use crate::publishing::{policy_uses, products};

/// Until the upstream's answer head must be there unless the endpoint says otherwise, milliseconds (WSO2: 60 s).
const DEFAULT_TIMEOUT_MS: u32 = 60_000;
/// Longest accepted timeout, milliseconds.
const MAX_TIMEOUT_MS: u64 = 300_000;

/// Templates of the policies that the tenant or the API added, by name and version.
pub(super) type Templates = Vec<(String, String, String)>;

/// Compiles an object. Lifecycle, default flag and virtual host are the caller's.
pub(super) fn compile(
    (id, revision, tenant): (ApiId, RevisionId, TenantId),
    document: &ApiDocument,
    templates: &Templates,
    sealer: &dyn Sealer,
) -> Result<DeployedApi, String> {
    let members = products::member_documents(document);
    let mut opened = document.clone();
    if members.is_empty() {
        open_policy_secrets(sealer, id, &mut opened)?;
    }
    let document = &opened;
    let kind = kind(document.kind())?;
    let endpoint = |side: &str| endpoint(id, document, side, sealer);
    let (production, sandbox) = (endpoint("production")?, endpoint("sandbox")?);
    if members.is_empty() && production.is_none() && sandbox.is_none() && !is_mocked(document) {
        return Err("it has neither a production nor a sandbox endpoint".to_owned());
    }
    let transports = document.texts("transport");
    Ok(DeployedApi {
        id,
        revision,
        tenant,
        name: document.name().to_owned(),
        version: document.version().to_owned(),
        provider: document.provider().to_owned(),
        context: base_context(document),
        versioned_context: document.versioned_context(),
        is_default_version: document.flag("isDefaultVersion"),
        vhost: String::new(),
        lifecycle: Lifecycle::Created,
        kind,
        transports: Transports {
            // WSO2's WebSocket APIs name no transport and are reached over both; whether there is a plain listener is the
            // operator's decision.
            http: transports.iter().any(|t| matches!(*t, "http" | "ws"))
                || kind == ApiKind::Ws && transports.is_empty(),
            https: transports.iter().any(|t| matches!(*t, "https" | "wss"))
                || kind == ApiKind::Ws && transports.is_empty(),
        },
        security: security(document),
        resources: if members.is_empty() {
            document.operations().iter().map(|o| resource(o, templates)).collect::<Result<_, _>>()?
        } else {
            resources_of_members(members, templates, sealer)?
        },
        production,
        sandbox,
        cors: cors(document),
        max_tps: document
            .get("maxTps")
            .and_then(|m| m.get("production")?.as_u64())
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0),
        limit: Some(document.text("apiThrottlingPolicy")).filter(|t| !t.is_empty()).map(str::to_owned),
        policies: flows(document.get("apiPolicies"), templates)?,
        client_certificates: Vec::new(),
        schema: None,
        mock: None,
        cache_seconds: cache_seconds(document),
        graphql: None,
        token_usage: None,
    })
}

/// Whether the definition's own answers take the place of a backend.
pub(super) fn is_mocked(document: &ApiDocument) -> bool {
    document.kind() == "HTTP" && matches!(document.text("endpointImplementationType"), "INLINE" | "MOCKED_OAS")
}

/// WSO2's `cacheTimeout`, where response caching is on.
fn cache_seconds(document: &ApiDocument) -> Option<u32> {
    let seconds = document.get("cacheTimeout").and_then(Value::as_u64).unwrap_or(300);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    (document.flag("responseCachingEnabled") && seconds > 0).then_some(seconds)
}

/// The context under which the default version answers without a version.
fn base_context(document: &ApiDocument) -> String {
    document.context().replace("/{version}", "")
}

fn kind(text: &str) -> Result<ApiKind, String> {
    match text {
        "HTTP" | "SOAPTOREST" | products::KIND => Ok(ApiKind::Http),
        "SOAP" => Ok(ApiKind::Soap),
        "GRAPHQL" => Ok(ApiKind::Graphql),
        "WS" => Ok(ApiKind::Ws),
        "SSE" => Ok(ApiKind::Sse),
        other => Err(format!("this gateway serves no APIs of type {other}")),
    }
}

fn security(document: &ApiDocument) -> ApiSecurity {
    let schemes = document.texts("securityScheme");
    let has = |name: &str| schemes.contains(&name);
    let header = |field: &str| Some(document.text(field)).filter(|t| !t.is_empty()).map(str::to_owned);
    let all_or = |field: &str| -> BTreeSet<String> {
        let texts = document.texts(field);
        if texts.contains(&"all") { BTreeSet::new() } else { texts.into_iter().map(str::to_owned).collect() }
    };
    let subscriptionless =
        matches!(document.plans().as_slice(), ["DefaultSubscriptionless"] | ["AsyncDefaultSubscriptionless"]);
    ApiSecurity {
        oauth2: has("oauth2"),
        api_key: has("api_key"),
        basic: has("basic_auth"),
        mutual_tls: has("mutualssl"),
        mutual_tls_mandatory: has("mutualssl_mandatory"),
        application_mandatory: has("oauth_basic_auth_api_key_mandatory") || has("oauth_basic_auth_mandatory"),
        authorization_header: header("authorizationHeader"),
        api_key_header: header("apiKeyHeader"),
        audiences: all_or("audiences"),
        key_managers: all_or("keyManagers"),
        subscription_required: !subscriptionless,
    }
}

fn resource(operation: &Value, templates: &Templates) -> Result<Resource, String> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
    let scopes = operation.get("scopes").and_then(Value::as_array);
    Ok(Resource {
        template: text("target").to_owned(),
        verb: text("verb").to_owned(),
        authenticated: text("authType") != "None",
        scopes: scopes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        limit: Some(text("throttlingPolicy")).filter(|t| !t.is_empty()).map(str::to_owned),
        policies: flows(operation.get("operationPolicies"), templates)?,
        backend: None,
    })
}

/// The resources of a product: each with the endpoints and policies of the member it was taken from.
fn resources_of_members(
    members: Vec<(ApiId, ApiDocument)>,
    templates: &Templates,
    sealer: &dyn Sealer,
) -> Result<Vec<Resource>, String> {
    let mut resources = Vec::new();
    for (id, mut member) in members {
        open_policy_secrets(sealer, id, &mut member)?;
        let side = |side: &str| endpoint(id, &member, side, sealer);
        let (production, sandbox) = (side("production")?, side("sandbox")?);
        if production.is_none() && sandbox.is_none() {
            return Err(format!("its member {id} has neither a production nor a sandbox endpoint"));
        }
        let backend = Arc::new(Backend { api: id, production, sandbox });
        let whole = flows(member.get("apiPolicies"), templates)?;
        for operation in member.operations() {
            let mut taken = resource(operation, templates)?;
            let own = std::mem::take(&mut taken.policies);
            let both = |first: &[PolicyUse], then: Vec<PolicyUse>| first.iter().cloned().chain(then).collect();
            taken.policies = PolicyFlows {
                request: both(&whole.request, own.request),
                response: both(&whole.response, own.response),
                fault: both(&whole.fault, own.fault),
            };
            taken.backend = Some(Arc::clone(&backend));
            resources.push(taken);
        }
    }
    Ok(resources)
}

fn flows(source: Option<&Value>, templates: &Templates) -> Result<PolicyFlows, String> {
    let flow = |name: &str| -> Result<Vec<PolicyUse>, String> {
        let mut uses = Vec::new();
        for r#use in policy_uses(source, name) {
            uses.extend(translated(r#use, templates)?);
        }
        Ok(uses)
    };
    Ok(PolicyFlows { request: flow("request")?, response: flow("response")?, fault: flow("fault")? })
}

/// A use of an added policy as uses of the catalogue's; others stay as they are.
fn translated(r#use: PolicyUse, templates: &Templates) -> Result<Vec<PolicyUse>, String> {
    let same = |(name, version, _): &&(String, String, String)| {
        *name == r#use.name && (r#use.version.is_empty() || *version == r#use.version)
    };
    match templates.iter().find(same) {
        None => Ok(vec![r#use]),
        Some((name, _, template)) => {
            policy::translate(template, &r#use.parameters).map_err(|fault| format!("policy {name}: {fault}"))
        }
    }
}

fn endpoint(id: ApiId, document: &ApiDocument, side: &str, sealer: &dyn Sealer) -> Result<Option<Endpoint>, String> {
    let Some(config) = document.get("endpointConfig") else { return Ok(None) };
    let kind = config.get("endpoint_type").and_then(Value::as_str).unwrap_or("http");
    let strategy = match kind {
        // WSO2's `default` with an address is a plain endpoint; without one a mediation decides, see below.
        "http" | "address" | "service" | "ws" | "default" => EndpointStrategy::Single,
        "load_balance" => EndpointStrategy::RoundRobin,
        "failover" => EndpointStrategy::Failover,
        other => return Err(format!("endpoints of type {other} are not supported")),
    };
    let mut members = members(config.get(format!("{side}_endpoints").as_str()));
    if strategy == EndpointStrategy::Failover {
        members.extend(self::members(config.get(format!("{side}_failovers").as_str())));
    }
    members.retain(|member| !url(member).is_empty());
    if kind == "default" && members.iter().any(|member| url(member) == "default") {
        return Err(
            "an endpoint of type default whose address a mediation decides is not supported: give it a URL".to_owned()
        );
    }
    if members.is_empty() {
        return Ok(None);
    }
    let targets = members.iter().map(|member| url(member).to_owned()).collect();
    let timeout_ms = timeout(config.get(format!("{side}_endpoints").as_str()));
    let security = endpoint_security(id, config, side, sealer)?;
    let traffic = traffic::compile(config, strategy, &members, side == "production")?;
    Ok(Some(Endpoint { strategy, targets, security, timeout_ms, traffic }))
}

fn members(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item) => vec![item],
        None => Vec::new(),
    }
}

fn url(member: &Value) -> &str {
    member.get("url").and_then(Value::as_str).or_else(|| member.as_str()).unwrap_or_default()
}

/// WSO2's `config.actionDuration`, milliseconds as text or number.
fn timeout(value: Option<&Value>) -> u32 {
    let first = match value {
        Some(Value::Array(items)) => items.first(),
        other => other,
    };
    let duration = first.and_then(|e| e.get("config")?.get("actionDuration"));
    let millis = duration.and_then(|d| d.as_u64().or_else(|| d.as_str()?.parse().ok()));
    millis
        .filter(|ms| (1..=MAX_TIMEOUT_MS).contains(ms))
        .and_then(|ms| u32::try_from(ms).ok())
        .unwrap_or(DEFAULT_TIMEOUT_MS)
}

fn endpoint_security(
    id: ApiId,
    config: &Value,
    side: &str,
    sealer: &dyn Sealer,
) -> Result<Option<EndpointSecurity>, String> {
    let Some(security) = config.get("endpoint_security").and_then(|s| s.get(side)) else { return Ok(None) };
    let text = |field: &str| security.get(field).and_then(Value::as_str).unwrap_or_default();
    if !security.get("enabled").and_then(Value::as_bool).unwrap_or(false) {
        return Ok(None);
    }
    let open = |field: &str| -> Result<String, String> {
        let sealed = text(field);
        if sealed.is_empty() {
            return Ok(String::new());
        }
        let plain = open_secret(sealer, id, side, field, sealed)?;
        String::from_utf8(plain.expose().clone()).map_err(|_| format!("the {field} of the endpoint is not text"))
    };
    match text("type").to_uppercase().as_str() {
        "NONE" | "" => Ok(None),
        "BASIC" => {
            Ok(Some(EndpointSecurity::Basic { username: text("username").to_owned(), password: open("password")? }))
        }
        "APIKEY" | "API_KEY" => Ok(Some(EndpointSecurity::ApiKey {
            name: text("apiKeyIdentifier").to_owned(),
            value: open("apiKeyValue")?,
            in_query: text("apiKeyIdentifierType").eq_ignore_ascii_case("QUERY_PARAMETER"),
        })),
        "OAUTH" => {
            let owner = match text("grantType").to_uppercase().as_str() {
                "" | "CLIENT_CREDENTIALS" => None,
                "PASSWORD" => Some((text("username").to_owned(), open("password")?)),
                grant => {
                    return Err(format!(
                        "endpoint security with the grant {grant} is not supported; use CLIENT_CREDENTIALS or PASSWORD"
                    ));
                }
            };
            let scope = security.get("customParameters").and_then(|p| p.get("scope")).and_then(Value::as_str);
            Ok(Some(EndpointSecurity::OAuth {
                token_url: text("tokenUrl").to_owned(),
                client_id: text("clientId").to_owned(),
                client_secret: open("clientSecret")?,
                scope: scope.unwrap_or_default().to_owned(),
                owner,
            }))
        }
        "DIGEST" => {
            Ok(Some(EndpointSecurity::Digest { username: text("username").to_owned(), password: open("password")? }))
        }
        other => {
            Err(format!("endpoint security of type {other} is not supported; use BASIC, DIGEST, API_KEY or OAUTH"))
        }
    }
}

fn cors(document: &ApiDocument) -> Option<Cors> {
    let config = document.get("corsConfiguration")?;
    let flag = |name: &str| config.get(name).and_then(Value::as_bool).unwrap_or(false);
    if !flag("corsConfigurationEnabled") {
        return None;
    }
    let list = |name: &str| -> Vec<String> {
        let items = config.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Some(Cors {
        allow_origins: list("accessControlAllowOrigins"),
        allow_credentials: flag("accessControlAllowCredentials"),
        allow_headers: list("accessControlAllowHeaders"),
        allow_methods: list("accessControlAllowMethods"),
        expose_headers: list("accessControlExposeHeaders"),
    })
}
