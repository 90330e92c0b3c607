//! What the composition root decides about a gateway. Parsed values only; nothing here is read from a file.

use model::snapshot::Cors;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::proxy::Proxies;

/// One address to listen on.
#[derive(Clone)]
pub struct Listener {
    /// Address; port 0 takes a free one, see `Handle::addresses`.
    pub address: SocketAddr,
    /// TLS, with a certificate resolver that follows rotation; `None` is plain HTTP (8280 in WSO2). ALPN is set by the
    /// gateway.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// Settings of a gateway.
#[derive(Clone)]
pub struct GatewaySettings {
    /// Where to listen; at least one.
    pub listeners: Vec<Listener>,
    /// Threads, each with its own runtime; at least 1, as a rule one per core.
    pub workers: usize,
    /// Upper bounds.
    pub caps: Caps,
    /// TLS to upstreams, see [`crate::upstream_tls`].
    pub upstream_tls: Arc<rustls::ClientConfig>,
    /// Loopback and private networks that endpoints may lie in. Link-local and cloud metadata addresses are refused
    /// whatever is listed.
    pub egress: model::EgressRules,
    /// Realm of `WWW-Authenticate`. WSO2's clients look for `WSO2 API Manager`.
    pub realm: String,
    /// Cross-origin settings of APIs that have none; an empty list of methods means the resource's own. `None`: no
    /// cross-origin access.
    pub default_cors: Option<Cors>,
    /// Origins from which pages may open WebSockets of APIs that name none of their own; `None`: any (WSO2:
    /// `apim.cors.enable_validation_for_ws`).
    pub socket_origins: Option<Vec<String>>,
    /// The only keys that this gateway serves, where it does not serve both (WSO2: `type` of the environment).
    pub only_keys: Option<model::snapshot::KeyType>,
    /// Header that carries the access token where an API names none or `Authorization`, which all have from the start
    /// (WSO2: `apim.oauth_config.auth_header`); empty is `Authorization`.
    pub authorization_header: String,
    /// Most APIs that are counted apart in the metrics; calls of further ones count together. 0: none is.
    pub api_series: usize,
    /// Whether calls are counted for usage analytics; somebody must take what was counted ([`crate::Handle::take_usage`]).
    pub usage: bool,
    /// Judges credentials that the gateway cannot; `None`: those are refused.
    pub judge: Option<Arc<dyn crate::CredentialJudge>>,
    /// For how many seconds a user's name and password count as right once they were. A password that is changed and a user
    /// who is locked end it at once.
    pub basic_seconds: u64,
    /// For how many seconds the answer about a token is good (RFC 7662 section 4).
    pub introspection_seconds: u64,
    /// Fetches tokens for endpoints that want one of the gateway's own; `None`: such endpoints are refused.
    pub token_client: Option<Arc<dyn crate::TokenClient>>,
    /// How upstreams learn who calls; `None`: they do not.
    pub backend_token: Option<crate::BackendToken>,
    /// Whether a client certificate is accepted when one of those uploaded for an API has issued it (WSO2:
    /// `apimgt.mutual_ssl.enable_certificate_chain_validation`); otherwise it must be one of them.
    pub client_certificate_chains: bool,
    /// Field in which the peers that forward for others write the client's certificate (WSO2:
    /// `apimgt.mutual_ssl.certificate_header`); `None`: they cannot.
    pub client_certificate_header: Option<http::HeaderName>,
    /// Who may say whose call it is.
    pub proxies: Proxies,
    /// Whether the credential of the client is passed to the upstream (WSO2: the reverse of `remove_outbound_auth_header`).
    pub forward_authorization: bool,
}

impl GatewaySettings {
    /// WSO2's cross-origin default: any origin, no credentials, the resource's own methods.
    pub fn wso2_default_cors() -> Cors {
        let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
        Cors {
            allow_origins: texts(&["*"]),
            allow_credentials: false,
            allow_headers: texts(&[
                "authorization",
                "Access-Control-Allow-Origin",
                "Content-Type",
                "SOAPAction",
                "apikey",
                "Internal-Key",
            ]),
            allow_methods: Vec::new(),
            expose_headers: Vec::new(),
        }
    }
}

/// Upper bounds of one gateway. Each has a test that goes beyond it.
#[derive(Clone, Debug)]
pub struct Caps {
    /// Bytes of a request head (guideline X06: 32 KiB for long tokens); longer is 431.
    pub head_bytes: usize,
    /// Header fields of a request; more is 431.
    pub headers: usize,
    /// Bytes of path and query; longer is 414.
    pub target_bytes: usize,
    /// From the first byte of a request head to its end.
    pub head_timeout: Duration,
    /// TLS handshake.
    pub handshake_timeout: Duration,
    /// A connection without a request in progress.
    pub idle_timeout: Duration,
    /// No byte moves although the client should send or take some.
    pub stall_timeout: Duration,
    /// Connections of one worker; more are closed at once.
    pub connections_per_worker: usize,
    /// Concurrent streams of one HTTP/2 connection.
    pub streams: u32,
    /// Connecting to an upstream, its TLS handshake included.
    pub connect_timeout: Duration,
    /// No byte of an upstream's answer body for this long.
    pub upstream_idle_timeout: Duration,
    /// Idle upstream connections of one worker and target.
    pub pooled_per_target: usize,
    /// How long an idle upstream connection is kept.
    pub pool_idle_timeout: Duration,
    /// Verified tokens that one worker remembers.
    pub cached_tokens: usize,
    /// Until an upstream's answer must have begun, however much longer its endpoint would wait.
    pub response_timeout: Duration,
    /// Bytes of a request body; longer is 413.
    pub body_bytes: u64,
    /// Bytes of a body that a policy needs as a whole; longer is 413.
    pub buffered_body_bytes: usize,
    /// Bytes of one WebSocket message, however many frames it has; more ends the tunnel with 1009.
    pub message_bytes: u64,
    /// WebSocket frames of both directions in a second; more ends the tunnel with 1008.
    pub frames_per_second: u32,
    /// A WebSocket without a frame in either direction.
    pub tunnel_idle_timeout: Duration,
    /// How long open requests may take after a stop.
    pub drain_timeout: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            head_bytes: 32 * 1024,
            headers: 100,
            target_bytes: 8 * 1024,
            head_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(30),
            connections_per_worker: 16 * 1024,
            streams: 100,
            connect_timeout: Duration::from_secs(5),
            upstream_idle_timeout: Duration::from_secs(300),
            pooled_per_target: 256,
            pool_idle_timeout: Duration::from_secs(30),
            cached_tokens: 10_000,
            response_timeout: Duration::from_secs(300),
            body_bytes: 64 * 1024 * 1024,
            buffered_body_bytes: 1024 * 1024,
            message_bytes: 1024 * 1024,
            frames_per_second: 10_000,
            tunnel_idle_timeout: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
