//! Compiled endpoints: where calls go and how the gateway proves itself there. `wire` is the HTTP/1.1 connection to one, with
//! `response` for what comes back and `transport` below it; `streams` are the HTTP/2 connections.

pub(crate) mod digest;
pub(crate) mod response;
pub(crate) mod streams;
pub(crate) mod transport;
pub(crate) mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Uri};
use model::snapshot::{Endpoint, EndpointSecurity, EndpointStrategy};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::digest::DigestAuth;
use crate::template::TargetTemplate;
use crate::traffic::{Balance, Owner, TrafficError};

/// Most targets of one endpoint.
const MAX_TARGETS: usize = 64;

/// Why TLS to upstreams cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamTlsError {
    /// The platform's trust store cannot be read, or an extra root is not a certificate.
    #[error("the trust store for upstreams cannot be loaded: {0}")]
    TrustStore(#[from] rustls::Error),
}

/// TLS client configuration for upstreams: the platform's roots and these private ones (DER). There is no way to turn
/// verification off (threat model row 17).
///
/// # Errors
/// [`UpstreamTlsError`] when the roots cannot be loaded.
pub fn upstream_tls(
    private_roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<rustls::ClientConfig>, UpstreamTlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(private_roots, Arc::clone(&provider))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous() // The name is rustls's; the verifier below is the platform's own, nothing is skipped.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Why an endpoint is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EndpointError {
    /// Not an absolute `http` or `https` URL.
    #[error("endpoint \"{0}\" is not an http or https URL")]
    Url(String),
    /// User information in the URL would travel in logs and `Host`.
    #[error("endpoint \"{0}\" carries a user name; use endpoint security")]
    UserInfo(String),
    /// None, or more than 64.
    #[error("an endpoint has 1 to {MAX_TARGETS} targets")]
    Count,
    /// A credential that a header cannot carry.
    #[error("the endpoint security is not usable: {0}")]
    Security(&'static str),
    /// Rules that cannot be followed.
    #[error("the traffic rules of the endpoint are not usable: {0}")]
    Traffic(#[from] TrafficError),
}

/// One target.
#[derive(Debug)]
pub(crate) struct Target {
    /// Index of its pool, the same for all APIs that call this scheme, host and port.
    pub(crate) pool: usize,
    /// Path prefix, without a trailing slash.
    pub(crate) base: Box<str>,
    /// Path as configured, for calls of the API's root.
    pub(crate) root: Box<str>,
    /// Variables in path or query; then `base`, `root` and `query` are not used.
    pub(crate) template: Option<TargetTemplate>,
    /// Query that every call carries.
    pub(crate) query: Option<Box<str>>,
    /// Where to connect.
    pub(crate) peer: Arc<Peer>,
}

/// Scheme, host and port of an upstream.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Host name or address without brackets.
    pub(crate) host: Box<str>,
    /// Port.
    pub(crate) port: u16,
    /// Value of `Host`.
    pub(crate) authority: HeaderValue,
    /// Name to verify; `None` is plain HTTP.
    pub(crate) tls_name: Option<ServerName<'static>>,
}

/// How the gateway proves itself to the upstream.
#[derive(Clone)]
pub(crate) enum Credential {
    /// A header, replacing the client's.
    Header(HeaderName, HeaderValue),
    /// A query parameter, escaped.
    Query(Box<str>),
    /// An answer to the upstream's challenge.
    Digest(Arc<DigestAuth>),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// A compiled endpoint.
#[derive(Debug)]
pub(crate) struct CompiledEndpoint {
    strategy: EndpointStrategy,
    targets: Vec<Target>,
    turn: AtomicUsize,
    /// Credential for all targets.
    pub(crate) credential: Option<Credential>,
    /// Until the head of the answer must be there.
    pub(crate) timeout: Duration,
    /// Rules beyond the strategy; most endpoints have none.
    pub(crate) balance: Option<Box<Balance>>,
}

impl CompiledEndpoint {
    /// Compiles an endpoint; `sockets` says whether `ws` and `wss` are schemes of it.
    pub(crate) fn compile(
        endpoint: &Endpoint,
        peers: &Peers,
        owner: Owner<'_>,
        sockets: bool,
    ) -> Result<Self, EndpointError> {
        let urls: Vec<&String> = match &endpoint.traffic {
            None => endpoint.targets.iter().collect(),
            Some(traffic) => Balance::urls(&endpoint.targets, traffic).collect(),
        };
        if endpoint.targets.is_empty() || urls.len() > MAX_TARGETS {
            return Err(EndpointError::Count);
        }
        let traffic = endpoint.traffic.as_deref();
        let balance = traffic.map(|traffic| Balance::compile(&endpoint.targets, traffic, owner)).transpose()?;
        Ok(Self {
            strategy: endpoint.strategy,
            targets: urls.into_iter().map(|url| target(url, peers, sockets)).collect::<Result<_, _>>()?,
            balance: balance.map(Box::new),
            turn: AtomicUsize::new(0),
            // A fetched token is added before the call is forwarded, see `outbound_token`.
            credential: match &endpoint.security {
                None | Some(EndpointSecurity::OAuth { .. }) => None,
                Some(EndpointSecurity::Digest { .. }) if sockets => {
                    return Err(EndpointError::Security("a handshake cannot be sent twice; use BASIC or API_KEY"));
                }
                Some(fixed) => Some(credential(fixed)?),
            },
            timeout: Duration::from_millis(u64::from(endpoint.timeout_ms.max(1))),
        })
    }

    /// One without a target, for an API that answers by itself.
    pub(crate) const fn nowhere() -> Self {
        Self {
            strategy: EndpointStrategy::Single,
            targets: Vec::new(),
            turn: AtomicUsize::new(0),
            credential: None,
            timeout: Duration::ZERO,
            balance: None,
        }
    }

    /// How a challenge of the targets is answered.
    pub(crate) fn digest(&self) -> Option<&DigestAuth> {
        match &self.credential {
            Some(Credential::Digest(proof)) => Some(proof),
            _ => None,
        }
    }

    /// A target by its position, that of its member in the rules.
    pub(crate) fn target(&self, index: usize) -> Option<&Target> {
        self.targets.get(index)
    }

    /// The targets to try for one call, first the chosen one. Only `Failover` has more than one.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &Target> {
        self.candidate_positions().filter_map(|index| self.targets.get(index))
    }

    /// The same by position.
    pub(crate) fn candidate_positions(&self) -> std::ops::Range<usize> {
        match self.strategy {
            EndpointStrategy::Single => 0..1,
            EndpointStrategy::RoundRobin => {
                let turn = if self.targets.len() > 1 { self.turn.fetch_add(1, Ordering::Relaxed) } else { 0 };
                let start = turn % self.targets.len().max(1);
                start..start + 1
            }
            EndpointStrategy::Failover => 0..self.targets.len(),
        }
    }
}

/// Peers by scheme, host and port, so that APIs share connections. Grows with the endpoints ever deployed to this
/// process; locked only while a snapshot is compiled.
#[derive(Debug, Default)]
pub(crate) struct Peers(Mutex<HashMap<PeerKey, (usize, Arc<Peer>)>>);

/// Whether over TLS, host, port.
type PeerKey = (bool, String, u16);

impl Peers {
    fn intern(&self, secure: bool, host: &str, port: u16, authority: HeaderValue) -> Option<(usize, Arc<Peer>)> {
        let tls_name = if secure { Some(ServerName::try_from(host.to_owned()).ok()?) } else { None };
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = map.len();
        let entry = map
            .entry((secure, host.to_owned(), port))
            .or_insert_with(|| (next, Arc::new(Peer { host: host.into(), port, authority, tls_name })));
        Some((entry.0, Arc::clone(&entry.1)))
    }
}

fn target(url: &str, peers: &Peers, sockets: bool) -> Result<Target, EndpointError> {
    let wrong = || EndpointError::Url(url.to_owned());
    let url = url.trim();
    let (plain, template) = match url.split_once('{') {
        None => (url, None),
        Some(_) => {
            let authority = url.find("://").map(|at| at + 3).ok_or_else(wrong)?;
            let path = url.get(authority..).and_then(|rest| rest.find('/')).ok_or_else(wrong)? + authority;
            let (plain, rest) = url.split_at_checked(path).ok_or_else(wrong)?;
            (plain, Some(TargetTemplate::parse(rest).ok_or_else(wrong)?))
        }
    };
    let uri: Uri = plain.parse().map_err(|_| wrong())?;
    let secure = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if sockets && scheme.as_str() == "wss" => true,
        Some(scheme) if sockets && scheme.as_str() == "ws" => false,
        _ => return Err(wrong()),
    };
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') {
        // Never repeated: it may hold a password.
        return Err(EndpointError::UserInfo(format!("{}://...", uri.scheme_str().unwrap_or_default())));
    }
    let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let value = HeaderValue::from_str(authority.as_str()).map_err(|_| wrong())?;
    let (pool, peer) = peers.intern(secure, &host, port, value).ok_or_else(wrong)?;
    let path = uri.path();
    Ok(Target {
        pool,
        base: path.trim_end_matches('/').into(),
        root: if path.is_empty() { "/" } else { path }.into(),
        template,
        query: uri.query().map(Into::into),
        peer,
    })
}

fn credential(security: &EndpointSecurity) -> Result<Credential, EndpointError> {
    let sensitive = |name: HeaderName, value: &str| {
        let mut value = HeaderValue::from_str(value).map_err(|_| EndpointError::Security("a control character"))?;
        value.set_sensitive(true);
        Ok(Credential::Header(name, value))
    };
    match security {
        EndpointSecurity::Basic { username, password } => {
            let pair = STANDARD.encode(format!("{username}:{password}"));
            sensitive(http::header::AUTHORIZATION, &format!("Basic {pair}"))
        }
        EndpointSecurity::ApiKey { name, value, in_query: false } => {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| EndpointError::Security("the header name"))?;
            sensitive(name, value)
        }
        EndpointSecurity::ApiKey { name, value, in_query: true } => {
            let escape = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            Ok(Credential::Query(format!("{}={}", escape(name), escape(value)).into()))
        }
        EndpointSecurity::Digest { username, password } => {
            let proof = DigestAuth::new(username, password).ok_or(EndpointError::Security("the user name"))?;
            Ok(Credential::Digest(Arc::new(proof)))
        }
        EndpointSecurity::OAuth { .. } => Err(EndpointError::Security("a token that is fetched for each endpoint")),
    }
}
