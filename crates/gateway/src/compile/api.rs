//! One API.

use http::{HeaderName, HeaderValue, Method};
use model::snapshot::{ApiKind, DeployedApi, LimitLevel, Quota, QuotaUnit};
use model::{TenantDomain, TenantId};
use policy::CompiledFlows;
use std::sync::Arc;

use super::consumers::stopping;
use super::{Carried, Limits};
use crate::access_log::Rendered;
use crate::cors::CompiledCors;
use crate::denial::Denials;
use crate::limit::{CounterKey, Level, Limit};
use crate::path::canonical;
use crate::route::Resources;
use crate::settings::GatewaySettings;
use crate::template::Variables;
use crate::upstream::{CompiledEndpoint, Peers};

/// Most resources of one API.
const MAX_RESOURCES: usize = 10_000;

/// First segments that belong to the product itself or that an administrator expects to be closed from outside
/// (guideline N06). An API cannot have a context below them.
const RESERVED: [&str; 20] = [
    "/.well-known",
    "/accountrecoveryendpoint",
    "/admin",
    "/api/am",
    "/api/identity",
    "/api/server",
    "/authenticationendpoint",
    "/carbon",
    "/client-registration",
    "/commonauth",
    "/console",
    "/devportal",
    "/internal",
    "/keymanager-operations",
    "/myaccount",
    "/oauth2",
    "/publisher",
    "/samlsso",
    "/scim2",
    "/services",
];

/// Why an API is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the context \"{0}\" is not a canonical path; use /name or /t/<tenant domain>/name")]
    Context(String),
    #[error("the context \"{0}\" is reserved for administration (guideline N06); choose another")]
    Reserved(String),
    #[error("the context \"{0}\" does not lie below the tenant's own; it must start with {1}")]
    ForeignTenant(String, String),
    #[error("its tenant is not in the snapshot")]
    Tenant,
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("it has more than {MAX_RESOURCES} resources")]
    TooMany,
    #[error("\"{0}\" is not an HTTP method")]
    Verb(String),
    #[error("limit policy \"{0}\" does not exist")]
    Limit(String),
    #[error("\"{0}\" is not a header name")]
    Header(String),
    #[error(transparent)]
    Template(#[from] crate::route::TemplateError),
    #[error(transparent)]
    Endpoint(#[from] crate::upstream::EndpointError),
    #[error(transparent)]
    Cors(#[from] crate::cors::CorsError),
    #[error("resource {0}: {1}")]
    Policy(String, policy::FlowError),
}

/// A way to prove identity that an API accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// OAuth 2 access token.
    Token,
    /// API key.
    Key,
}

/// A compiled API.
#[derive(Debug)]
pub(crate) struct Api {
    /// The API as published.
    pub(crate) deployed: Arc<DeployedApi>,
    /// Its part of the access record of a call that reached no resource.
    pub(crate) rendered: Rendered,
    /// Resource lookup.
    pub(crate) table: Resources,
    /// Resources by index.
    pub(crate) resources: Vec<CompiledResource>,
    /// Endpoint for production keys.
    pub(crate) production: Option<ApiEndpoint>,
    /// Endpoint for sandbox keys.
    pub(crate) sandbox: Option<ApiEndpoint>,
    /// Cross-origin settings.
    pub(crate) cors: Option<CompiledCors>,
    /// API-level limit.
    pub(crate) limit: Option<Limit>,
    /// Whether a deny policy names its context.
    pub(crate) denied: bool,
    /// Accepted schemes.
    pub(crate) schemes: Vec<Scheme>,
    /// Header that carries the token.
    pub(crate) token_header: HeaderName,
    /// Header that carries an API key.
    pub(crate) key_header: HeaderName,
}

/// An endpoint with the bound of calls to it.
#[derive(Debug)]
pub(crate) struct ApiEndpoint {
    /// Targets.
    pub(crate) endpoint: CompiledEndpoint,
    /// WSO2's `maxTps`.
    pub(crate) limit: Option<Limit>,
}

/// A compiled resource.
#[derive(Debug)]
pub(crate) struct CompiledResource {
    /// Its part of an access record: tenant, API and template.
    pub(crate) rendered: Rendered,
    /// Whether a credential is needed.
    pub(crate) authenticated: bool,
    /// A token needs one of these; empty means any token.
    pub(crate) scopes: Vec<Box<str>>,
    /// Resource-level limit.
    pub(crate) limit: Option<Limit>,
    /// Policies.
    pub(crate) flows: CompiledFlows,
    /// Variables of the template, for endpoints that use them.
    pub(crate) variables: Variables,
    /// Verbs of the same template, for a preflight.
    pub(crate) verbs: HeaderValue,
}

pub(super) fn compile(
    deployed: &Arc<DeployedApi>,
    tenant: Option<&TenantDomain>,
    limits: &Limits<'_>,
    denials: &Denials,
    carried: &Carried,
    settings: &GatewaySettings,
) -> Result<Api, ApiError> {
    let tenant = tenant.ok_or(ApiError::Tenant)?;
    check_context(deployed, tenant)?;
    let schemes = schemes(deployed)?;
    if deployed.resources.len() > MAX_RESOURCES {
        return Err(ApiError::TooMany);
    }
    let mut table = Resources::default();
    let mut resources = Vec::new();
    for (verb, template, position) in routes(deployed)? {
        table.insert(&verb, &template, resources.len())?;
        let rendered = rendered(deployed, tenant, &template);
        resources.push(resource(deployed, (position, rendered), &template, &verb, limits, carried)?);
    }
    let header = |name: Option<&String>, default: &str| {
        let name = name.map(String::as_str).filter(|name| !name.is_empty()).unwrap_or(default);
        HeaderName::try_from(name).map_err(|_| ApiError::Header(name.to_owned()))
    };
    // Every API is created with `Authorization`: that is no wish of its own.
    let usual = |name: &&String| !name.eq_ignore_ascii_case("authorization");
    let token_header = deployed.security.authorization_header.as_ref().filter(usual);
    let own_header = Some(settings.authorization_header.as_str()).filter(|name| !name.is_empty());
    let cors = deployed.cors.as_ref().or(settings.default_cors.as_ref());
    let limit = match &deployed.limit {
        None => None,
        Some(name) => advanced(deployed.tenant, name, limits)?.map(|quota| {
            let window = carried.counters.get(CounterKey::Api(deployed.id));
            Limit { level: Level::Api, quota, window }
        }),
    };
    Ok(Api {
        rendered: rendered(deployed, tenant, ""),
        table,
        resources,
        production: endpoint(deployed, true, carried, &carried.peers)?,
        sandbox: endpoint(deployed, false, carried, &carried.peers)?,
        cors: cors.map(CompiledCors::compile).transpose()?,
        limit,
        denied: denials.context(deployed.tenant, &deployed.versioned_context),
        schemes,
        token_header: header(token_header, own_header.unwrap_or("authorization"))?,
        key_header: header(deployed.security.api_key_header.as_ref(), "apikey")?,
        deployed: Arc::clone(deployed),
    })
}

/// Where calls without a version reach this API: its context, from which a `{version}` segment is taken out.
pub(super) fn default_context(api: &DeployedApi) -> Option<String> {
    let context = api.context.replace("/{version}", "");
    let distinct = !context.is_empty() && context != api.versioned_context;
    (api.is_default_version && distinct).then_some(context)
}

fn check_context(api: &DeployedApi, tenant: &TenantDomain) -> Result<(), ApiError> {
    let default = default_context(api);
    for context in std::iter::once(api.versioned_context.as_str()).chain(default.as_deref()) {
        if !context.starts_with('/')
            || context.len() < 2
            || context.ends_with('/')
            || canonical(context).as_deref() != Ok(context)
        {
            return Err(ApiError::Context(context.to_owned()));
        }
        let prefix = tenant.context_prefix();
        let own = if prefix.is_empty() { !below(context, "/t") } else { below(context, &prefix) };
        if !own {
            return Err(ApiError::ForeignTenant(
                context.to_owned(),
                if prefix.is_empty() { "/".into() } else { prefix },
            ));
        }
        let local = context.get(prefix.len()..).unwrap_or_default().to_ascii_lowercase();
        if local.is_empty() || RESERVED.iter().any(|reserved| below(&local, reserved)) {
            return Err(ApiError::Reserved(context.to_owned()));
        }
    }
    Ok(())
}

/// Whether a path is the prefix or lies below it, by whole segments.
fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn schemes(api: &DeployedApi) -> Result<Vec<Scheme>, ApiError> {
    let security = &api.security;
    if security.mutual_tls && security.mutual_tls_mandatory {
        // Serving it without the certificate would open it.
        return Err(ApiError::Unsupported("it requires client certificates, which this gateway does not check"));
    }
    let mut schemes = Vec::new();
    if security.oauth2 {
        schemes.push(Scheme::Token);
    }
    if security.api_key {
        schemes.push(Scheme::Key);
    }
    if schemes.is_empty() && api.resources.iter().any(|r| r.authenticated) {
        return Err(ApiError::Unsupported("none of its security schemes is supported; enable oauth2 or api_key"));
    }
    Ok(schemes)
}

fn rendered(api: &DeployedApi, tenant: &TenantDomain, template: &str) -> Rendered {
    let (name, version) = (api.name.as_str(), api.version.as_str());
    Rendered::of(&[("tenant", tenant.as_str()), ("api", name), ("api_version", version), ("resource", template)])
}

/// Verb, template and position of the resource that each route stands for.
fn routes(api: &DeployedApi) -> Result<Vec<(Method, String, usize)>, ApiError> {
    let mut routes = Vec::with_capacity(api.resources.len());
    match api.kind {
        ApiKind::Ws => return Err(ApiError::Unsupported("WebSocket APIs are not supported by this gateway")),
        ApiKind::Graphql => {
            let guarded = |r: &model::snapshot::Resource| {
                !r.scopes.is_empty() || r.limit.as_ref().is_some_and(|l| l != "Unlimited") || !r.policies.is_empty()
            };
            let first = api.resources.first();
            let uniform = api.resources.iter().all(|r| Some(r.authenticated) == first.map(|f| f.authenticated));
            if api.resources.iter().any(guarded) || !uniform {
                // One route for all operations cannot tell them apart.
                let text = "scopes, limits, policies or security of single GraphQL operations are not supported";
                return Err(ApiError::Unsupported(text));
            }
            if first.is_some() {
                routes.push((Method::POST, "/*".into(), 0));
            }
        }
        ApiKind::Http | ApiKind::Soap | ApiKind::Sse => {
            for (position, resource) in api.resources.iter().enumerate() {
                let verb = match resource.verb.as_str() {
                    "SUBSCRIBE" if api.kind == ApiKind::Sse => "GET",
                    verb => verb,
                };
                let method = verb.parse::<Method>().ok().filter(|m| *m != Method::CONNECT && *m != Method::TRACE);
                let method = method.ok_or_else(|| ApiError::Verb(resource.verb.clone()))?;
                routes.push((method, resource.template.clone(), position));
            }
        }
    }
    Ok(routes)
}

fn resource(
    api: &DeployedApi,
    (position, rendered): (usize, Rendered),
    template: &str,
    verb: &Method,
    limits: &Limits<'_>,
    carried: &Carried,
) -> Result<CompiledResource, ApiError> {
    let source = api.resources.get(position).ok_or(ApiError::TooMany)?;
    let name = || format!("{verb} {template}");
    let limit = match &source.limit {
        Some(policy) if api.limit.is_none() => advanced(api.tenant, policy, limits)?.map(|quota| {
            let window = carried.counters.get(CounterKey::Resource(api.id, name()));
            Limit { level: Level::Resource, quota, window }
        }),
        _ => None,
    };
    let own: Vec<&str> = match api.kind {
        ApiKind::Graphql => vec!["POST"],
        ApiKind::Sse => vec!["GET"],
        _ => api.resources.iter().filter(|r| r.template == source.template).map(|r| r.verb.as_str()).collect(),
    };
    let verbs = own.join(",");
    Ok(CompiledResource {
        rendered,
        variables: Variables::of(template),
        authenticated: source.authenticated,
        scopes: source.scopes.iter().map(|s| s.as_str().into()).collect(),
        limit,
        flows: CompiledFlows::compile(&api.policies, &source.policies).map_err(|e| ApiError::Policy(name(), e))?,
        verbs: HeaderValue::from_str(&verbs).map_err(|_| ApiError::Verb(verbs))?,
    })
}

fn advanced(tenant: TenantId, name: &str, limits: &Limits<'_>) -> Result<Option<Quota>, ApiError> {
    limits.find(tenant, LimitLevel::Advanced, name).map(stopping).map_err(|()| ApiError::Limit(name.to_owned()))
}

fn endpoint(
    api: &DeployedApi,
    production: bool,
    carried: &Carried,
    peers: &Peers,
) -> Result<Option<ApiEndpoint>, ApiError> {
    let source = if production { &api.production } else { &api.sandbox };
    let Some(source) = source else { return Ok(None) };
    let limit = api.max_tps.map(|tps| Limit {
        level: Level::Backend,
        quota: Quota { amount: u64::from(tps), unit: QuotaUnit::Requests, window_seconds: 1 },
        window: carried.counters.get(CounterKey::Backend(api.id, production)),
    });
    Ok(Some(ApiEndpoint { endpoint: CompiledEndpoint::compile(source, peers)?, limit }))
}
