//! The gateway of this process, fed by the control plane and by what identity has ended.

mod credentials;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use control::{GatewayPublisher, PublishError};
use gateway::{
    BackendToken, Caps, ChangeError, ForwardedField, Gateway, GatewaySettings, Handle, Listener, Metrics, Proxies,
    Series, SnapshotFault, StartError,
};
use identity::Identity;
use model::snapshot::{Cors, Delta, KeyType, Snapshot, TokenIssuer};
use model::{ApplicationId, Clock, EgressRules, TenantId, Timestamp, UsageKey, UsageTotals};
use web::BoxFuture;

use self::credentials::{Judge, OutboundTokens, Signer};
use crate::config::{Config, EnvironmentType, ForwardedHeader, Network, Origin};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::logs::{AccessLog, Rotation};

/// Realm of `WWW-Authenticate`. WSO2 names its product there; no header of ours names a product (guideline A10).
const REALM: &str = "API gateway";

/// The gateway's handle and what it needs from identity. Without a gateway listener there is no handle.
pub(super) struct DataPlane {
    handle: RwLock<Option<Arc<Handle>>>,
    identity: Arc<Identity>,
    /// Whether the server has started and is not stopping.
    open: AtomicBool,
    stopped: Mutex<bool>,
    /// Usage that was counted until the gateway stopped.
    left: Mutex<Counted>,
}

/// Usage, and the number of calls that were not counted.
type Counted = (HashMap<UsageKey, UsageTotals>, u64);

impl DataPlane {
    /// Starts the gateway without a snapshot.
    pub(super) fn start(
        home: &Home,
        config: &Config,
        tls: Arc<rustls::ServerConfig>,
        outbound: (Arc<rustls::ClientConfig>, EgressRules),
        clock: Arc<dyn Clock>,
        identity: Arc<Identity>,
    ) -> Outcome<Self> {
        let (upstream_tls, rules) = outbound;
        let mut listeners = Vec::new();
        if let Some(address) = config.listeners.gateway_https {
            listeners.push(Listener { address, tls: Some(tls) });
        }
        if let Some(address) = config.listeners.gateway_http {
            listeners.push(Listener { address, tls: None });
        }
        let handle = if listeners.is_empty() {
            None
        } else {
            let settings = settings(config, &identity, listeners, upstream_tls, rules);
            let (calls, apis) = (rotation(home, config, "access.log"), rotation(home, config, "api.log"));
            let log = AccessLog::open(calls, apis, Arc::clone(&clock))?;
            Some(Gateway::start(settings, clock, Arc::new(log)).map_err(|e| failure(&e))?)
        };
        Ok(Self {
            handle: RwLock::new(handle.map(Arc::new)),
            identity,
            open: AtomicBool::new(false),
            stopped: Mutex::new(false),
            left: Mutex::default(),
        })
    }

    fn handle(&self) -> Option<Arc<Handle>> {
        self.handle.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on the server is ready as soon as the gateway is.
    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// From now on the server is not ready: it is about to stop.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Release);
    }

    /// Whether calls are served from a snapshot.
    pub(super) fn is_ready(&self) -> bool {
        self.open.load(Ordering::Acquire) && self.handle().is_none_or(|handle| handle.is_ready())
    }

    /// The version of the snapshot that is served; 0 before the first and without a gateway.
    pub(super) fn version(&self) -> u64 {
        self.handle().map_or(0, |handle| handle.snapshot_version())
    }

    /// Goes on counting where an earlier process stopped.
    pub(super) fn restore_limits(&self, state: &[u8]) -> usize {
        self.handle().map_or(0, |handle| handle.restore_limits(state))
    }

    /// Counters that must survive a restart; `None` without a gateway, or when it has stopped.
    pub(super) fn limit_state(&self) -> Option<Vec<u8>> {
        self.handle().map(|handle| handle.limit_state())
    }

    /// Counters of the gateway.
    pub(super) fn metrics(&self) -> Metrics {
        self.handle().map(|handle| handle.metrics()).unwrap_or_default()
    }

    /// Takes what was counted for usage analytics; also what was counted until the gateway stopped.
    pub(super) fn take_usage(&self) -> Counted {
        let left = || std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        self.handle().map_or_else(left, |handle| handle.take_usage())
    }

    /// Calls by API.
    pub(super) fn series(&self) -> Series {
        self.handle().map(|handle| handle.series()).unwrap_or_default()
    }

    /// Lets open calls finish and ends the threads. Blocks.
    pub(super) fn stop(&self) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = self.handle.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut handle) = handle
            && !std::mem::replace(&mut *stopped, true)
        {
            // A scrape or a publication may hold it for a moment longer.
            let owned = loop {
                match Arc::try_unwrap(handle) {
                    Ok(owned) => break owned,
                    Err(shared) => handle = shared,
                }
                std::thread::yield_now();
            };
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = owned.stop();
        }
    }

    /// Adds what identity knows: whose tokens count, and which have ended.
    pub(super) async fn complete(&self, mut snapshot: Snapshot) -> Result<Snapshot, identity::IdentityError> {
        let own = self.identity.resident_issuers();
        // Nobody registers a key manager that speaks in our name.
        snapshot.issuers.retain(|known| own.iter().all(|o| o.issuer != known.issuer));
        // One issuer for each tenant; all belong to the resident key manager, whose tokens say which tenant's they are.
        snapshot.issuers.extend(own.into_iter().map(|o| TokenIssuer {
            tenant: TenantId::SUPER,
            name: control::RESIDENT.to_owned(),
            issuer: o.issuer,
            keys: o.keys,
            consumer_key_claim: None,
            scopes_claim: None,
            keys_until: None,
            introspection: None,
        }));
        for revoked in self.identity.revoked_tokens(Timestamp::from_millis(0)).await? {
            snapshot.revoked_tokens.insert(revoked.token_id, revoked.expires_at);
        }
        for epoch in self.identity.subject_epochs().await? {
            snapshot.subject_epochs.insert((epoch.tenant, epoch.subject), epoch.not_before);
        }
        Ok(snapshot)
    }
}

impl GatewayPublisher for DataPlane {
    fn publish(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async move {
            // Without the list of ended tokens a new snapshot would let them in again: the former one stays.
            let completed = self.complete(snapshot).await;
            let snapshot = completed.map_err(|e| PublishError::Undelivered(e.to_string()))?;
            let Some(handle) = self.handle() else { return Ok(()) };
            let compiled = tokio::task::spawn_blocking(move || handle.publish(&snapshot)).await;
            let served = compiled.map_err(|e| PublishError::Undelivered(e.to_string()))?;
            served.map_err(|faults| PublishError::Refused(faults.iter().map(ToString::to_string).collect()))
        })
    }

    fn change(&self, delta: Delta) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async move {
            let Some(handle) = self.handle() else { return Ok(()) };
            let compiled = tokio::task::spawn_blocking(move || handle.change(&delta)).await;
            match compiled.map_err(|e| PublishError::Undelivered(e.to_string()))? {
                Ok(()) => Ok(()),
                Err(ChangeError::Version(wrong)) => Err(PublishError::Undelivered(wrong.to_string())),
                Err(ChangeError::Refused(faults)) => {
                    Err(PublishError::Refused(faults.iter().map(ToString::to_string).collect()))
                }
            }
        })
    }

    fn check(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Vec<String>>> {
        Box::pin(async move {
            // Without a gateway listener nobody here will serve it.
            let Some(handle) = self.handle() else { return Ok(()) };
            let checked = tokio::task::spawn_blocking(move || handle.check(&snapshot)).await;
            // The reasons alone: whoever asks has just named the API.
            let reasons = |faults: Vec<SnapshotFault>| faults.into_iter().map(|fault| fault.reason).collect();
            checked.map_err(|e| vec![e.to_string()])?.map_err(reasons)
        })
    }

    fn reset_application(&self, application: ApplicationId, user: &str) {
        if let Some(handle) = self.handle() {
            handle.reset_application(application, user);
        }
    }
}

fn backend_token(config: &Config, identity: &Arc<Identity>) -> Option<BackendToken> {
    let token = &config.backend_token;
    // The name was checked when the configuration was read.
    let header = token.header.as_str().parse().ok().filter(|_| config.backend_token.enable)?;
    let dialect = token.claim_dialect.as_str().trim_end_matches('/').to_owned();
    let signer = Arc::new(Signer(Arc::clone(identity)));
    Some(BackendToken { header, dialect, lifetime: token.lifetime.get(), signer })
}

fn settings(
    config: &Config,
    identity: &Arc<Identity>,
    listeners: Vec<Listener>,
    upstream_tls: Arc<rustls::ClientConfig>,
    rules: EgressRules,
) -> GatewaySettings {
    let limits = &config.gateway;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let workers = limits.workers.map_or(cores, |workers| number(workers.get()));
    let caps = Caps {
        head_bytes: number(limits.max_header_size.bytes()),
        head_timeout: limits.header_timeout.get(),
        idle_timeout: limits.idle_timeout.get(),
        connections_per_worker: number(limits.max_connections.get()).div_ceil(workers.max(1)),
        connect_timeout: limits.connect_timeout.get(),
        response_timeout: limits.response_timeout.get(),
        body_bytes: limits.max_body_size.bytes(),
        message_bytes: limits.max_message_size.bytes(),
        ..Caps::default()
    };
    let egress = web::Egress::new(rules.clone(), Arc::clone(&upstream_tls));
    let judge =
        Judge { identity: Arc::clone(identity), egress: egress.clone(), runtime: tokio::runtime::Handle::current() };
    let outbound = OutboundTokens(egress);
    GatewaySettings {
        listeners,
        workers,
        caps,
        upstream_tls,
        egress: rules,
        realm: REALM.to_owned(),
        default_cors: default_cors(config),
        socket_origins: socket_origins(config),
        only_keys: only_keys(config),
        authorization_header: config.gateway_token.auth_header.as_str().to_owned(),
        api_series: number(limits.api_series.get()),
        usage: config.usage.enable,
        judge: Some(Arc::new(judge)),
        basic_seconds: limits.basic_auth_cache.get().as_secs(),
        introspection_seconds: limits.introspection_cache.get().as_secs(),
        token_client: Some(Arc::new(outbound)),
        backend_token: backend_token(config, identity),
        client_certificate_chains: config.mutual_tls.enable_certificate_chain_validation,
        client_certificate_header: config.mutual_tls.certificate_header.as_ref().and_then(|h| h.as_str().parse().ok()),
        forward_authorization: config.gateway_token.enable_outbound_auth_header,
        proxies: proxies(config),
    }
}

/// Who may say whose call it is.
fn proxies(config: &Config) -> Proxies {
    let networks = |listed: &[Network]| listed.iter().map(Network::get).collect();
    Proxies {
        protocol: networks(&config.gateway.proxy_protocol_peers),
        forwarded: networks(&config.gateway.trusted_proxies),
        field: match config.gateway.forwarded_header {
            ForwardedHeader::XForwardedFor => ForwardedField::XForwardedFor,
            ForwardedHeader::Forwarded => ForwardedField::Forwarded,
        },
    }
}

/// `[apim.cors]` for APIs that say nothing of their own.
fn default_cors(config: &Config) -> Option<Cors> {
    let cors = &config.cors;
    if !cors.enable {
        return None;
    }
    Some(Cors {
        allow_origins: cors.allow_origins.as_slice().iter().map(origin).collect(),
        allow_credentials: cors.allow_credentials,
        allow_headers: cors.allow_headers.as_slice().iter().map(|h| h.as_str().to_owned()).collect(),
        allow_methods: cors.allow_methods.as_slice().iter().map(|m| m.as_str().to_owned()).collect(),
        expose_headers: Vec::new(),
    })
}

/// Whose pages may open WebSockets where an API says nothing of its own.
fn socket_origins(config: &Config) -> Option<Vec<String>> {
    let cors = &config.cors;
    (cors.enable && cors.enable_validation_for_ws).then(|| cors.allow_origins.as_slice().iter().map(origin).collect())
}

/// The keys that this process serves: those of the environment that it is the gateway of.
fn only_keys(config: &Config) -> Option<KeyType> {
    let own = config.environments.iter().find(|environment| environment.name == control::BUILT_IN_ENVIRONMENT)?;
    match own.kind {
        EnvironmentType::Hybrid => None,
        EnvironmentType::Production => Some(KeyType::Production),
        EnvironmentType::Sandbox => Some(KeyType::Sandbox),
    }
}

/// An origin as the `Origin` header spells it.
fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Any => "*".to_owned(),
        Origin::Exact(text) => text.clone(),
    }
}

fn rotation(home: &Home, config: &Config, name: &str) -> Rotation {
    Rotation {
        path: home.logs().join(name),
        size: config.logging.rotate_size.bytes(),
        interval: config.logging.rotate_interval.get(),
        keep: usize::try_from(config.logging.keep.get()).unwrap_or(usize::MAX),
    }
}

fn failure(error: &StartError) -> Failure {
    match error {
        StartError::Listen { address, source } => Failure::new(
            Exit::Occupied,
            "NET001",
            format!("the gateway listener cannot use {address}"),
            source.to_string(),
            "stop the other program (ss -ltnp), or shift every port: offset = 10 under [server] in deployment.toml",
        ),
        other => Failure::internal(format!("the gateway cannot start: {other}")),
    }
}
