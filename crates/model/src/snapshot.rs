//! What a gateway serves from: a whole, immutable picture of everything a call can need.
//!
//! The control plane makes it (`control::snapshot`), the gateway compiles it into its own routing structures and swaps
//! it in whole. Every list is bounded by what the control plane accepts. Plain data, so that it can travel and be kept
//! on disk.

mod delta;
mod logging;
mod traffic;

pub use delta::{ApiChange, Delta};
pub use logging::{ApiLog, LogLevel};
pub use traffic::{
    Affinity, Algorithm, Breaker, Canary, HashKey, HealthCheck, Mirror, Retries, TargetRules, Traffic, UpstreamProtocol,
};

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{ApiId, ApplicationId, ConsumerKey, RevisionId, SubscriptionId, TenantDomain, TenantId, Timestamp};

/// Everything one gateway needs, at one version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts up with every change of the control plane.
    pub version: u64,
    /// Tenants by number.
    pub tenants: BTreeMap<TenantId, TenantDomain>,
    /// Deployed APIs, one entry per API and gateway environment.
    pub apis: Vec<Arc<DeployedApi>>,
    /// Applications by id.
    pub applications: BTreeMap<ApplicationId, Application>,
    /// Which application a client id belongs to, per tenant-independent client id.
    pub keys: BTreeMap<ConsumerKey, ApplicationKey>,
    /// Subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Request limits by name, separately for each level and tenant.
    pub limits: Vec<LimitPolicy>,
    /// Whose tokens are accepted.
    pub issuers: Vec<TokenIssuer>,
    /// Ids (`jti`) of revoked tokens that have not expired yet, with their expiry.
    pub revoked_tokens: BTreeMap<String, Timestamp>,
    /// Tokens of these subjects issued before the time are refused (account locked, deleted, role changed).
    pub subject_epochs: BTreeMap<(TenantId, String), Timestamp>,
    /// API keys by SHA-256 of the key (hex).
    pub api_keys: BTreeMap<String, ApiKey>,
    /// Requests that are refused whatever else holds (WSO2: deny policies).
    pub denials: Vec<Denial>,
    /// Limits over keys made of a call's properties (WSO2: custom rules); they bind calls of every tenant.
    #[serde(default)]
    pub custom_limits: Vec<CustomLimit>,
    /// How much is written down of the calls of single APIs; nothing of those that are not named.
    #[serde(default)]
    pub logs: Vec<ApiLog>,
}

/// One API as deployed to this gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployedApi {
    /// The API.
    pub id: ApiId,
    /// The deployed revision.
    pub revision: RevisionId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name, for logs and the backend token.
    pub name: String,
    /// Version, for logs and routing.
    pub version: String,
    /// User who provides the API.
    pub provider: String,
    /// Full context without the version: `/pizza` or `/t/example.com/pizza`. Starts with a slash, ends without.
    pub context: String,
    /// Full context with the version: `/pizza/1.0.0` or `/pizza/v1` for a `{version}` template.
    pub versioned_context: String,
    /// Whether calls to [`DeployedApi::context`] without a version reach this API.
    pub is_default_version: bool,
    /// Host name (virtual host) this deployment answers on; other hosts get 404. Empty means any.
    pub vhost: String,
    /// Whether the API is reachable with subscriptions at all: `Blocked` and `Retired` APIs are not callable.
    pub lifecycle: Lifecycle,
    /// HTTP or another kind.
    pub kind: ApiKind,
    /// Transports: calls over plain HTTP are refused unless `http` is true.
    pub transports: Transports,
    /// Accepted ways to prove identity.
    pub security: ApiSecurity,
    /// Resources in the order of the definition.
    pub resources: Vec<Resource>,
    /// Upstreams for production keys.
    pub production: Option<Endpoint>,
    /// Upstreams for sandbox keys.
    pub sandbox: Option<Endpoint>,
    /// Cross-origin settings.
    pub cors: Option<Cors>,
    /// Upper bound of calls to the backend (WSO2: `maxTps`).
    pub max_tps: Option<u32>,
    /// API-level limit policy name (WSO2: `apiThrottlingPolicy`, level "advanced"); `None` when limits are per resource.
    pub limit: Option<String>,
    /// Policies of the API, applied before those of the resource: request, response and fault flow.
    pub policies: PolicyFlows,
    /// Certificates of clients that the API accepts; of use only with `security.mutual_tls`.
    #[serde(default)]
    pub client_certificates: Vec<ClientCertificate>,
    /// The OpenAPI document that requests and answers must fit (WSO2: `enableSchemaValidation`); `None` checks nothing.
    #[serde(default)]
    pub schema: Option<Arc<serde_json::Value>>,
    /// The OpenAPI document whose answers take the place of a backend's (WSO2: `endpointImplementationType` `INLINE` and
    /// `MOCKED_OAS`); `None` calls the endpoints.
    #[serde(default)]
    pub mock: Option<Arc<serde_json::Value>>,
    /// How long answers to `GET` are kept, seconds (WSO2: `cacheTimeout`); `None` keeps none.
    #[serde(default)]
    pub cache_seconds: Option<u32>,
    /// What a GraphQL API's queries are measured by.
    #[serde(default)]
    pub graphql: Option<GraphqlCosts>,
    /// How answers of a language model say what they cost; `None` for other APIs.
    #[serde(default)]
    pub token_usage: Option<TokenUsage>,
}

/// Where the answers of a language model say how many tokens a call took: members of JSON from the outside in; empty where
/// the vendor says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the question.
    pub prompt: Vec<String>,
    /// Tokens of the answer.
    pub completion: Vec<String>,
    /// Both together.
    pub total: Vec<String>,
}

/// States of an API in which it can be deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lifecycle {
    /// Created, not for consumers; callable with a test key or an existing subscription.
    Created,
    /// Pre-released.
    Prototyped,
    /// Published.
    Published,
    /// Blocked: every call is answered with 503, code 700700.
    Blocked,
    /// Deprecated: callable by existing subscriptions.
    Deprecated,
    /// Retired: not callable.
    Retired,
}

/// Kinds of APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ApiKind {
    /// REST over HTTP.
    Http,
    /// SOAP pass-through.
    Soap,
    /// GraphQL over HTTP.
    Graphql,
    /// WebSocket.
    Ws,
    /// Server-sent events.
    Sse,
}

/// Which client transports an API accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transports {
    /// Plain HTTP, only where the gateway has such a listener.
    pub http: bool,
    /// HTTPS.
    pub https: bool,
}

/// Accepted ways to prove identity, as WSO2's `securityScheme` combines them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiSecurity {
    /// OAuth 2 access tokens.
    pub oauth2: bool,
    /// API keys.
    pub api_key: bool,
    /// Basic credentials of a user of the tenant.
    pub basic: bool,
    /// Client certificates.
    pub mutual_tls: bool,
    /// Whether a client certificate is needed besides the others.
    pub mutual_tls_mandatory: bool,
    /// Whether one of OAuth2, API key or basic is needed besides a client certificate.
    pub application_mandatory: bool,
    /// Header that carries the access token; WSO2's `authorizationHeader`, default `Authorization`.
    pub authorization_header: Option<String>,
    /// Header that carries an API key; WSO2's `apiKeyHeader`, default `ApiKey`.
    pub api_key_header: Option<String>,
    /// Accepted audiences; empty means any.
    pub audiences: BTreeSet<String>,
    /// Names of the key managers whose tokens are accepted; empty means all.
    pub key_managers: BTreeSet<String>,
    /// Whether a subscription is needed (WSO2: subscription validation).
    pub subscription_required: bool,
}

/// One resource (WSO2: operation): a verb and a URI template.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resource {
    /// URI template below the versioned context, as in `/order/{id}` or `/menu/*`.
    pub template: String,
    /// HTTP method in upper case; for GraphQL `QUERY`, `MUTATION`, `SUBSCRIPTION`.
    pub verb: String,
    /// Whether a credential is needed (WSO2: `authType` other than `None`).
    pub authenticated: bool,
    /// A token needs one of these scopes; empty means any token.
    pub scopes: Vec<String>,
    /// Limit policy of the resource (level "advanced"); `None` or `Unlimited` means no limit.
    pub limit: Option<String>,
    /// Policies of the resource.
    pub policies: PolicyFlows,
    /// Where its calls go instead of the API's own endpoints: what a resource of an API product belongs to.
    #[serde(default)]
    pub backend: Option<Arc<Backend>>,
}

/// The endpoints of an API that is a member of an API product.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backend {
    /// The member.
    pub api: ApiId,
    /// Endpoint for production keys.
    pub production: Option<Endpoint>,
    /// Endpoint for sandbox keys.
    pub sandbox: Option<Endpoint>,
}

/// Policies by flow, in order of application.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PolicyFlows {
    /// Before the upstream is called.
    pub request: Vec<PolicyUse>,
    /// Before the answer is returned.
    pub response: Vec<PolicyUse>,
    /// When the gateway answers an error itself.
    pub fault: Vec<PolicyUse>,
}

impl PolicyFlows {
    /// Whether no policy is attached.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty() && self.fault.is_empty()
    }
}

/// One policy with its parameters; crate `policy` gives it meaning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyUse {
    /// Catalogue name, WSO2's `policyName`, as in `addHeader`.
    pub name: String,
    /// WSO2's `policyVersion`, as in `v1`.
    pub version: String,
    /// Parameters by attribute name.
    pub parameters: BTreeMap<String, serde_json::Value>,
}

/// Where calls are forwarded to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// How one of several targets is chosen.
    pub strategy: EndpointStrategy,
    /// Base URLs, `http` or `https`, at least one.
    pub targets: Vec<String>,
    /// How the gateway proves its identity to the upstream.
    pub security: Option<EndpointSecurity>,
    /// Until the upstream's answer head must be there, milliseconds.
    pub timeout_ms: u32,
    /// What goes beyond calling one target, or each in turn.
    #[serde(default)]
    pub traffic: Option<Box<Traffic>>,
}

/// How one of several upstream targets is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointStrategy {
    /// One target.
    Single,
    /// Each in turn.
    RoundRobin,
    /// The first; the next ones when it fails.
    Failover,
}

/// Credentials for the upstream. The values are secrets: a snapshot is kept in memory or sealed.
#[derive(Clone, Serialize, Deserialize)]
pub enum EndpointSecurity {
    /// HTTP basic authentication.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
    /// A fixed key in a header or query parameter.
    ApiKey {
        /// Header or parameter name.
        name: String,
        /// The key.
        value: String,
        /// Whether it goes to the query.
        in_query: bool,
    },
    /// A token that the gateway fetches (OAuth 2.0, client credentials).
    OAuth {
        /// Address of the token endpoint.
        token_url: String,
        /// Client id.
        client_id: String,
        /// Client secret.
        client_secret: String,
        /// Wanted scopes, separated by blanks.
        scope: String,
        /// User name and password of the grant `password`; `None` for client credentials.
        #[serde(default)]
        owner: Option<(String, String)>,
    },
    /// HTTP digest authentication (RFC 7616).
    Digest {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
}

impl std::fmt::Debug for EndpointSecurity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(..)",
            Self::ApiKey { .. } => "ApiKey(..)",
            Self::OAuth { .. } => "OAuth(..)",
            Self::Digest { .. } => "Digest(..)",
        })
    }
}

/// Cross-origin settings of an API (WSO2: `corsConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// Exact origins, or `*` alone (then never with credentials, guideline X07).
    pub allow_origins: Vec<String>,
    /// Whether credentials are allowed.
    pub allow_credentials: bool,
    /// Allowed request headers.
    pub allow_headers: Vec<String>,
    /// Allowed methods.
    pub allow_methods: Vec<String>,
    /// Headers a script may read.
    pub expose_headers: Vec<String>,
}

/// An application of a consumer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name, for logs and the backend token.
    pub name: String,
    /// Owner, for logs and the backend token.
    pub owner: String,
    /// Application-level limit policy name.
    pub limit: String,
    /// Custom attributes, for the backend token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// Production or sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyType {
    /// For real use.
    Production,
    /// For trying out.
    Sandbox,
}

/// What a client id stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplicationKey {
    /// The application.
    pub application: ApplicationId,
    /// Production or sandbox.
    pub key_type: KeyType,
    /// Key manager name; `Resident Key Manager` for our own.
    pub key_manager: String,
}

/// An API key of an application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// The application.
    pub application: ApplicationId,
    /// Production or sandbox.
    pub key_type: KeyType,
    /// When it stops working.
    pub expires: Option<Timestamp>,
    /// Client addresses (CIDR) it may be used from; empty means any.
    pub permitted_ips: Vec<String>,
    /// `Referer` patterns (with `*`) it may be used from; empty means any.
    pub permitted_referrers: Vec<String>,
}

/// A subscription of an application to an API.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The subscribing application.
    pub application: ApplicationId,
    /// The API.
    pub api: ApiId,
    /// Business plan (subscription-level limit policy name).
    pub plan: String,
    /// Whether calls are allowed.
    pub state: SubscriptionState,
}

/// Whether a subscription allows calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// Calls are allowed.
    Active,
    /// No call is allowed.
    Blocked,
    /// Only sandbox calls are allowed (WSO2: `PROD_ONLY_BLOCKED`).
    ProductionBlocked,
}

/// Levels of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitLevel {
    /// Business plans.
    Subscription,
    /// Application policies.
    Application,
    /// API and resource policies.
    Advanced,
}

/// A named request limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LimitPolicy {
    /// Owner tenant.
    pub tenant: TenantId,
    /// Level.
    pub level: LimitLevel,
    /// Name, unique within tenant and level.
    pub name: String,
    /// The quota; `None` means unlimited.
    pub quota: Option<Quota>,
    /// Short-time bound of a plan (WSO2: `rateLimitCount` per `rateLimitTimeUnit`).
    pub burst: Option<Quota>,
    /// Whether calls beyond the quota are refused (WSO2: `stopOnQuotaReach`).
    pub stop_on_quota: bool,
    /// Quotas for calls of a certain kind, in place of `quota` (WSO2: conditional groups of advanced policies).
    #[serde(default)]
    pub conditional: Vec<ConditionalLimit>,
    /// Tokens of language models that a plan allows besides (WSO2: `aiApiQuota`).
    #[serde(default)]
    pub tokens: Option<TokenQuota>,
    /// Deepest GraphQL query of a plan (WSO2: `graphQLMaxDepth`).
    #[serde(default)]
    pub graphql_depth: Option<u32>,
    /// Costliest GraphQL query of a plan (WSO2: `graphQLMaxComplexity`).
    #[serde(default)]
    pub graphql_complexity: Option<u32>,
}

/// A quota for the calls that fulfil all conditions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConditionalLimit {
    /// All must hold; at least one.
    pub conditions: Vec<LimitCondition>,
    /// The quota; `None` means unlimited.
    pub quota: Option<Quota>,
}

/// One condition of a [`ConditionalLimit`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LimitCondition {
    /// What is looked at.
    pub subject: ConditionSubject,
    /// Whether it must not hold instead.
    pub invert: bool,
}

/// What a condition looks at. Patterns are regular expressions that are searched for, as in WSO2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionSubject {
    /// A request header.
    Header {
        /// Its name.
        name: String,
        /// Pattern of its value.
        pattern: String,
    },
    /// A query parameter.
    Query {
        /// Its name.
        name: String,
        /// Pattern of its decoded value.
        pattern: String,
    },
    /// A claim of the access token.
    Claim {
        /// Its name.
        name: String,
        /// Pattern of its value.
        pattern: String,
    },
    /// The client's address lies between two, both included.
    Address {
        /// First address.
        from: std::net::IpAddr,
        /// Last address.
        to: std::net::IpAddr,
    },
}

/// A limit over a key made of a call's properties (WSO2: custom rule).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CustomLimit {
    /// Its name.
    pub name: String,
    /// Calls with the same key share a counter.
    pub key: Vec<KeyPart>,
    /// Which calls count.
    pub eligible: Eligibility,
    /// The quota of one key.
    pub quota: Quota,
}

/// A piece of a custom limit's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyPart {
    /// Fixed text.
    Text(String),
    /// A property of the call.
    Field(CallField),
}

/// Properties of a call that custom limits know, with WSO2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallField {
    /// `userId`: user or owner with tenant domain.
    UserId,
    /// `apiContext`: context with version.
    ApiContext,
    /// `apiVersion`.
    ApiVersion,
    /// `apiName`.
    ApiName,
    /// `apiTenant`: domain of the API's tenant.
    ApiTenant,
    /// `resourceKey`: context with version, template and method, as in `/pizza/1.0.0/menu:GET`.
    ResourceKey,
    /// `appId`: the application's id.
    AppId,
    /// `appTenant`: domain of the application's tenant.
    AppTenant,
    /// `clientIp`.
    ClientIp,
}

/// Which calls a custom limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eligibility {
    /// Every call.
    Always,
    /// A property has this value.
    Equals(CallField, String),
    /// None of these.
    Not(Box<Eligibility>),
    /// All of these.
    All(Vec<Eligibility>),
    /// One of these.
    Any(Vec<Eligibility>),
}

/// A client certificate that an API accepts (WSO2: `/apis/{id}/client-certificates`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// Its alias, which stands for the client in logs.
    pub alias: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Plan of the client.
    pub tier: String,
    /// Which endpoint its calls go to.
    pub key_type: KeyType,
    /// First moment at which it is accepted.
    pub not_before: Timestamp,
    /// Last moment at which it is accepted.
    pub not_after: Timestamp,
}

/// What the fields of a GraphQL schema cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphqlCosts {
    /// Root type of queries, mutations and subscriptions, in this order; empty where the schema has none.
    pub roots: [String; 3],
    /// By type and field: the field's type without list and non-null marks, and its cost.
    pub fields: BTreeMap<String, BTreeMap<String, (String, u32)>>,
}

/// So much in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Requests, or bytes for a bandwidth limit; at least 1.
    pub amount: u64,
    /// What is counted.
    pub unit: QuotaUnit,
    /// Window, seconds; at least 1.
    pub window_seconds: u64,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuotaUnit {
    /// Requests.
    Requests,
    /// Bytes of request and answer bodies.
    Bytes,
    /// Tokens of language models.
    Tokens,
}

/// Tokens of language models in a window; at least one of the three is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenQuota {
    /// Tokens of questions.
    pub prompt: Option<u64>,
    /// Tokens of answers.
    pub completion: Option<u64>,
    /// Both together.
    pub total: Option<u64>,
    /// Window, seconds; at least 1.
    pub window_seconds: u64,
}

/// Whose access tokens are accepted, and by which keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenIssuer {
    /// Owner tenant; tokens of this issuer are only accepted by APIs of this tenant, or by all for the super tenant's
    /// resident key manager, whose tokens carry the application's tenant.
    pub tenant: TenantId,
    /// Key manager name.
    pub name: String,
    /// Exact `iss` value.
    pub issuer: String,
    /// Public keys as JWK, each with `kid` and `alg`.
    pub keys: Vec<serde_json::Value>,
    /// Claim that carries the client id (WSO2: `consumerKeyClaim`), default `azp`, then `client_id`.
    pub consumer_key_claim: Option<String>,
    /// Claim that carries the scopes, default `scope`.
    pub scopes_claim: Option<String>,
    /// Until when `keys` may be relied on although nobody could fetch them again; `None` for keys that are not fetched.
    #[serde(default)]
    pub keys_until: Option<Timestamp>,
    /// Who is asked about tokens that nobody can verify by a key; `None` when nobody is.
    #[serde(default)]
    pub introspection: Option<Introspection>,
}

/// Where a key manager says what a token is worth (RFC 7662). The client's secret is one: a snapshot is kept in memory or
/// sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introspection {
    /// Address of the endpoint.
    pub url: String,
    /// Client id that asks.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Regular expressions of which a token must match one as a whole (WSO2: token validation `REFERENCE`); empty takes any.
    pub patterns: Vec<String>,
    /// Whether JWTs of the issuer are asked about as well, instead of being verified by its keys (WSO2: the reverse of
    /// `enableSelfValidationJWT`).
    pub also_jwt: bool,
}

impl std::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspection").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A deny policy: what matches is answered with 403, code 900805.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Denial {
    /// Owner tenant.
    pub tenant: TenantId,
    /// What it matches.
    pub condition: DenyCondition,
}

/// What a deny policy matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DenyCondition {
    /// All calls to this versioned context.
    ApiContext(String),
    /// All calls of `owner:application name`.
    Application(String),
    /// Calls from this address or network (CIDR).
    Ip {
        /// Address or CIDR.
        network: String,
        /// Whether it matches everything else instead.
        invert: bool,
    },
    /// Calls from addresses between two, both included.
    IpRange {
        /// First address.
        from: String,
        /// Last address.
        to: String,
        /// Whether it matches everything else instead.
        invert: bool,
    },
    /// Calls of this end user (`name@domain`).
    User(String),
}
