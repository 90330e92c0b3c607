//! One API.

use http::{HeaderName, HeaderValue, Method};
use model::snapshot::{ApiKind, Backend, DeployedApi, Endpoint, LimitLevel, LogLevel, Quota, QuotaUnit};
use model::{ApiId, TenantDomain};
use policy::CompiledFlows;
use std::sync::Arc;

use super::consumers::{Subscriptions, stopping};
use super::{Carried, Limits};
use crate::access_log::Rendered;
use crate::api_log::Levels;
use crate::client_certificate::{Accepted, MutualTls};
use crate::cors::CompiledCors;
use crate::denial::Denials;
use crate::graphql::Operations;
use crate::limit::condition::Groups;
use crate::limit::{CounterKey, Level, Limit};
use crate::outbound_token::TokenSource;
use crate::path::canonical;
use crate::route::Resources;
use crate::settings::GatewaySettings;
use crate::template::Variables;
use crate::traffic::Owner;
use crate::upstream::CompiledEndpoint;

/// Most resources of one API.
const MAX_RESOURCES: usize = 10_000;

/// Why an API is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the context \"{0}\" is not a canonical path; use /name or /t/<tenant domain>/name")]
    Context(String),
    #[error("the context \"{0}\" is reserved for administration (N06.1); choose another")]
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
    #[error(transparent)]
    Condition(#[from] crate::limit::condition::ConditionError),
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
    #[error("resource {0}: {1}")]
    Schema(String, policy::SchemaError),
}

/// A way to prove identity that an API accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// OAuth 2 access token.
    Token,
    /// API key.
    Key,
    /// Name and password of a user.
    Basic,
}

/// A compiled API.
#[derive(Debug)]
pub(crate) struct Api {
    /// The API as published.
    pub(crate) deployed: Arc<DeployedApi>,
    /// Its part of the access record of a call that reached no resource.
    pub(crate) rendered: Rendered,
    /// Who subscribed to it.
    pub(crate) subscriptions: Arc<Subscriptions>,
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
    /// API-level limits of calls of a certain kind.
    pub(crate) groups: Option<Groups>,
    /// Whether a deny policy names its context.
    pub(crate) denied: bool,
    /// Operations of a GraphQL API.
    pub(crate) operations: Option<Operations>,
    /// What is asked of clients' certificates.
    pub(crate) mutual_tls: Option<MutualTls>,
    /// Accepted schemes.
    pub(crate) schemes: Vec<Scheme>,
    /// Header that carries the token.
    pub(crate) token_header: HeaderName,
    /// Header that carries an API key.
    pub(crate) key_header: HeaderName,
}

/// The endpoints of a member of an API product.
#[derive(Debug)]
pub(crate) struct CompiledBackend {
    /// Endpoint for production keys.
    pub(crate) production: Option<ApiEndpoint>,
    /// Endpoint for sandbox keys.
    pub(crate) sandbox: Option<ApiEndpoint>,
}

/// The backends of a product's members, each compiled once.
#[derive(Default)]
struct Backends(Vec<(Arc<Backend>, Arc<CompiledBackend>)>);

impl Backends {
    fn get(
        &mut self,
        api: &DeployedApi,
        source: &Arc<Backend>,
        carried: &Carried,
    ) -> Result<Arc<CompiledBackend>, ApiError> {
        if let Some((_, known)) = self.0.iter().find(|(known, _)| Arc::ptr_eq(known, source)) {
            return Ok(Arc::clone(known));
        }
        let compiled = Arc::new(CompiledBackend {
            production: side(source.production.as_ref(), (source.api, true), api.kind, carried)?,
            sandbox: side(source.sandbox.as_ref(), (source.api, false), api.kind, carried)?,
        });
        self.0.push((Arc::clone(source), Arc::clone(&compiled)));
        Ok(compiled)
    }
}

/// An endpoint with the bound of calls to it.
#[derive(Debug)]
pub(crate) struct ApiEndpoint {
    /// Targets.
    pub(crate) endpoint: CompiledEndpoint,
    /// WSO2's `maxTps`.
    pub(crate) limit: Option<Limit>,
    /// The token that its upstreams want.
    pub(crate) token: Option<TokenSource>,
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
    /// Resource-level limits of calls of a certain kind.
    pub(crate) groups: Option<Groups>,
    /// WSO2's `resourceKey`: context with version, template and verb.
    pub(crate) key: Box<str>,
    /// Policies.
    pub(crate) flows: CompiledFlows,
    /// Variables of the template, for endpoints that use them.
    pub(crate) variables: Variables,
    /// Verbs of the same template, for a preflight.
    pub(crate) verbs: HeaderValue,
    /// What is answered in place of a backend.
    pub(crate) mock: Option<policy::Mock>,
    /// Where calls go instead of the API's endpoints.
    pub(crate) backend: Option<Arc<CompiledBackend>>,
    /// How much is written down of its calls.
    pub(crate) log: LogLevel,
}

pub(super) fn compile(
    deployed: &Arc<DeployedApi>,
    subscriptions: &Arc<Subscriptions>,
    tenant: Option<&TenantDomain>,
    limits: &Limits<'_>,
    (denials, logs): (&Denials, &Levels),
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
    let mut backends = Backends::default();
    for (verb, template, position) in routes(deployed)? {
        table.insert(&verb, &template, resources.len())?;
        let rendered = rendered(deployed, tenant, &template);
        let mut compiled = resource(deployed, (position, rendered), &template, &verb, limits, carried)?;
        if let Some(source) = deployed.resources.get(position).and_then(|r| r.backend.as_ref()) {
            compiled.backend = Some(backends.get(deployed, source, carried)?);
        }
        compiled.log = logs.of(deployed.id, verb.as_str(), &template);
        resources.push(compiled);
    }
    let operations = (deployed.kind == ApiKind::Graphql).then(|| Operations::new(deployed));
    if operations.is_some() {
        table.insert(&Method::POST, "/*", 0)?;
        resources = graphql(deployed, tenant, limits, carried)?;
        for (compiled, source) in resources.iter_mut().zip(&deployed.resources) {
            compiled.log = logs.of(deployed.id, &source.verb, &source.template);
        }
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
    let (limit, groups) = match &deployed.limit {
        None => (None, None),
        Some(name) => advanced(deployed, name, limits, carried, None)?,
    };
    Ok(Api {
        rendered: rendered(deployed, tenant, ""),
        subscriptions: Arc::clone(subscriptions),
        table,
        resources,
        production: endpoint(deployed, true, carried)?,
        sandbox: endpoint(deployed, false, carried)?,
        cors: cors.map(CompiledCors::compile).transpose()?,
        limit,
        groups,
        denied: denials.context(deployed.tenant, &deployed.versioned_context),
        operations,
        mutual_tls: mutual_tls(deployed, limits, carried, (!schemes.is_empty(), settings.client_certificate_chains))?,
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
        let local = context.get(prefix.len()..).unwrap_or_default();
        if local.is_empty() || model::admin_context(local).is_some() {
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
    let mut schemes = Vec::new();
    if security.oauth2 {
        schemes.push(Scheme::Token);
    }
    if security.api_key {
        schemes.push(Scheme::Key);
    }
    if security.basic {
        schemes.push(Scheme::Basic);
    }
    if schemes.is_empty() && !security.mutual_tls && api.resources.iter().any(|r| r.authenticated) {
        return Err(ApiError::Unsupported(
            "none of its security schemes is supported; enable oauth2, api_key or basic_auth",
        ));
    }
    Ok(schemes)
}

fn rendered(api: &DeployedApi, tenant: &TenantDomain, template: &str) -> Rendered {
    let (name, version) = (api.name.as_str(), api.version.as_str());
    Rendered::of(&[("tenant", tenant.as_str()), ("api", name), ("api_version", version), ("resource", template)])
}

/// The operations of a GraphQL API in order, and one that stands for introspection alone: it needs a credential as soon as
/// any operation does, and nothing else.
fn graphql(
    api: &DeployedApi,
    tenant: &TenantDomain,
    limits: &Limits<'_>,
    carried: &Carried,
) -> Result<Vec<CompiledResource>, ApiError> {
    let one = |position: usize, label: &str| {
        resource(api, (position, rendered(api, tenant, label)), label, &Method::POST, limits, carried)
    };
    let mut found = Vec::with_capacity(api.resources.len() + 1);
    for (position, operation) in api.resources.iter().enumerate() {
        found.push(one(position, &format!("{} {}", operation.verb, operation.template))?);
    }
    if let Some(first) = api.resources.iter().position(|r| r.authenticated).or((!found.is_empty()).then_some(0)) {
        let mut introspection = one(first, "QUERY __schema")?;
        (introspection.scopes, introspection.limit, introspection.groups) = (Vec::new(), None, None);
        found.push(introspection);
    }
    Ok(found)
}

fn mutual_tls(
    api: &Arc<DeployedApi>,
    limits: &Limits<'_>,
    carried: &Carried,
    how: (bool, bool),
) -> Result<Option<MutualTls>, ApiError> {
    let mut certificates = Vec::with_capacity(api.client_certificates.len());
    for source in &api.client_certificates {
        let found = limits.find(api.tenant, LimitLevel::Subscription, &source.tier);
        let policy = found.map_err(|()| ApiError::Limit(source.tier.clone()))?;
        let key = || CounterKey::Certificate(api.id, source.alias.clone());
        let limit = stopping(policy);
        let limit = limit.map(|quota| Limit { level: Level::Subscription, quota, window: carried.counters.get(key()) });
        certificates.push(Arc::new(Accepted::new(source, limit)));
    }
    Ok(MutualTls::new(api, certificates, how))
}

/// Verb, template and position of the resource that each route stands for.
fn routes(api: &DeployedApi) -> Result<Vec<(Method, String, usize)>, ApiError> {
    let mut routes = Vec::with_capacity(api.resources.len());
    match api.kind {
        ApiKind::Ws => {
            // A topic may be listed twice, to publish and to subscribe; both begin with the same handshake.
            for (position, resource) in api.resources.iter().enumerate() {
                let earlier = api.resources.iter().take(position);
                let Some(first) = earlier.clone().find(|e| e.template == resource.template) else {
                    routes.push((Method::GET, resource.template.clone(), position));
                    continue;
                };
                let rules = |r: &model::snapshot::Resource| (r.authenticated, r.scopes.clone(), r.limit.clone());
                if rules(first) != rules(resource) {
                    let text = "a topic has different security, scopes or limits for publishing and subscribing";
                    return Err(ApiError::Unsupported(text));
                }
            }
        }
        // One address for all operations; the query tells them apart.
        ApiKind::Graphql => {}
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
    let (limit, groups) = match &source.limit {
        Some(policy) if api.limit.is_none() => advanced(api, policy, limits, carried, Some(name()))?,
        _ => (None, None),
    };
    let own: Vec<&str> = match api.kind {
        ApiKind::Graphql => vec!["POST"],
        ApiKind::Sse | ApiKind::Ws => vec!["GET"],
        _ => api.resources.iter().filter(|r| r.template == source.template).map(|r| r.verb.as_str()).collect(),
    };
    let verbs = own.join(",");
    let mut flows = CompiledFlows::compile(&api.policies, &source.policies).map_err(|e| ApiError::Policy(name(), e))?;
    if let Some(document) = &api.schema {
        let checks = policy::Validation::compile(document, template, verb);
        if let Some(checks) = checks.map_err(|e| ApiError::Schema(name(), e))? {
            flows.request.prepend(checks.request);
            checks.response.into_iter().for_each(|step| flows.response.prepend(step));
        }
    }
    let mock = api.mock.as_ref().map(|document| policy::Mock::compile(document, template, verb)).transpose();
    Ok(CompiledResource {
        rendered,
        variables: Variables::of(template),
        authenticated: source.authenticated,
        scopes: source.scopes.iter().map(|s| s.as_str().into()).collect(),
        limit,
        groups,
        key: format!("{}{}:{}", api.versioned_context, source.template, source.verb).into(),
        flows,
        verbs: HeaderValue::from_str(&verbs).map_err(|_| ApiError::Verb(verbs))?,
        mock: mock.map_err(|e| ApiError::Schema(name(), e))?,
        backend: None,
        log: LogLevel::Off,
    })
}

/// The limit of an API, or of a resource of it, and the limits of calls of a certain kind.
fn advanced(
    api: &DeployedApi,
    name: &str,
    limits: &Limits<'_>,
    carried: &Carried,
    resource: Option<String>,
) -> Result<(Option<Limit>, Option<Groups>), ApiError> {
    let found = limits.find(api.tenant, LimitLevel::Advanced, name);
    let policy = found.map_err(|()| ApiError::Limit(name.to_owned()))?;
    let level = if resource.is_some() { Level::Resource } else { Level::Api };
    let group = |number| carried.counters.get(CounterKey::Group(api.id, resource.clone(), number));
    let groups = policy.map_or(Ok(None), |policy| Groups::compile(policy, level, group))?;
    let key = || match resource.clone() {
        None => CounterKey::Api(api.id),
        Some(resource) => CounterKey::Resource(api.id, resource),
    };
    let limit = stopping(policy).map(|quota| Limit { level, quota, window: carried.counters.get(key()) });
    Ok((limit, groups))
}

fn endpoint(api: &DeployedApi, production: bool, carried: &Carried) -> Result<Option<ApiEndpoint>, ApiError> {
    let source = if production { &api.production } else { &api.sandbox };
    let limit = || {
        api.max_tps.map(|tps| Limit {
            level: Level::Backend,
            quota: Quota { amount: u64::from(tps), unit: QuotaUnit::Requests, window_seconds: 1 },
            window: carried.counters.get(CounterKey::Backend(api.id, production)),
        })
    };
    if api.mock.is_some() {
        return Ok(Some(ApiEndpoint { endpoint: CompiledEndpoint::nowhere(), limit: limit(), token: None }));
    }
    let compiled = side(source.as_ref(), (api.id, production), api.kind, carried)?;
    Ok(compiled.map(|endpoint| ApiEndpoint { limit: limit(), ..endpoint }))
}

/// One endpoint of an API or of a member of a product, without a bound of its calls.
fn side(
    source: Option<&Endpoint>,
    (api, production): (ApiId, bool),
    kind: ApiKind,
    carried: &Carried,
) -> Result<Option<ApiEndpoint>, ApiError> {
    let Some(source) = source else { return Ok(None) };
    let owner = Owner { api, production, states: &carried.states };
    let endpoint = CompiledEndpoint::compile(source, &carried.peers, owner, kind == ApiKind::Ws)?;
    Ok(Some(ApiEndpoint { endpoint, limit: None, token: TokenSource::of(source.security.as_ref()) }))
}
