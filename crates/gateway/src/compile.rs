//! From a snapshot to the structures that calls are served from.
//!
//! What cannot be compiled is refused by name and left out; the rest is served. A refused API is **not** served in its
//! earlier form either: the change that broke it may have been the one that closed it. The control plane compiles the
//! same way before it publishes, so a refusal here is a second line of defence.

mod api;
mod consumers;

use ipnet::IpNet;
use jose::{Verifier, VerifyingKey};
use model::snapshot::{
    ApiKey, ApiSecurity, CustomLimit, Delta, DeployedApi, LimitLevel, LimitPolicy, Snapshot, Subscription, TokenIssuer,
};
use model::{ApiId, ApplicationId, TenantDomain, TenantId, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

pub(crate) use api::{Api, ApiEndpoint, CompiledResource, Scheme};
pub(crate) use consumers::{ClientKey, CompiledSubscription, Consumer};

use crate::api_log::Levels;
use crate::denial::Denials;
use crate::inquiry;
use crate::limit::Counters;
use crate::route::Contexts;
use crate::settings::GatewaySettings;
use crate::traffic::state::States;
use crate::upstream::Peers;

/// A part of a snapshot that is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {reason}")]
pub struct SnapshotFault {
    /// What is refused, as in `API PizzaShack:1.0.0 (/pizza/1.0.0)`.
    pub subject: String,
    /// Why, and what to change.
    pub reason: String,
}

/// What survives from one snapshot to the next.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// Limit counters.
    pub(crate) counters: Counters,
    /// Upstream peers.
    pub(crate) peers: Peers,
    /// What is known about targets.
    pub(crate) states: States,
}

/// A compiled snapshot; immutable. It reads as its [`Common`] part, too: one value for all that a call is decided by.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    /// Version of the snapshot.
    pub(crate) version: u64,
    common: Arc<Common>,
    /// APIs by index, in the order of their ids.
    apis: Vec<Arc<Api>>,
    /// The only keys that are served, where not both are.
    pub(crate) only_keys: Option<model::snapshot::KeyType>,
    hosts: HashMap<Box<str>, Contexts>,
    any_host: Contexts,
}

impl std::ops::Deref for Compiled {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// Everything but the APIs and their subscriptions. A change of single APIs leaves it as it is and shares it.
#[derive(Debug, Default)]
pub(crate) struct Common {
    /// Tenants' domains.
    pub(crate) tenants: BTreeMap<TenantId, TenantDomain>,
    limits: Vec<LimitPolicy>,
    /// Client ids.
    pub(crate) keys: HashMap<Box<str>, ClientKey>,
    /// Applications.
    pub(crate) consumers: HashMap<ApplicationId, Arc<Consumer>>,
    /// API keys by the hexadecimal SHA-256 of the key.
    pub(crate) api_keys: HashMap<Box<str>, CompiledKey>,
    /// Whose tokens are accepted.
    pub(crate) verifiers: Vec<Verifier>,
    /// Facts about each verifier, by the same index.
    pub(crate) issuers: Vec<Issuer>,
    /// Whether any issuer is asked about tokens.
    pub(crate) introspects: bool,
    /// Whether any is asked about JWTs as well.
    pub(crate) introspects_jwt: bool,
    /// Grows when the issuers or their keys change.
    pub(crate) issuers_epoch: u64,
    issuers_text: String,
    /// Revoked token ids.
    pub(crate) revoked: HashMap<Box<str>, Timestamp>,
    /// Earliest accepted issue time by subject.
    pub(crate) subject_epochs: HashMap<Box<str>, Vec<(TenantId, Timestamp)>>,
    /// Deny policies.
    pub(crate) denials: Denials,
    /// Limits over keys made of a call's properties.
    pub(crate) custom_limits: Vec<CustomLimit>,
    /// How much is written down of the calls of single APIs.
    logs: Levels,
}

/// Facts about an issuer that the pipeline needs.
#[derive(Debug)]
pub(crate) struct Issuer {
    /// Owner tenant.
    pub(crate) tenant: TenantId,
    /// Key manager name.
    pub(crate) name: Box<str>,
    /// Claims that may carry the client id, in order.
    pub(crate) consumer_key_claims: Vec<Box<str>>,
    /// Claim that carries the scopes.
    pub(crate) scopes_claim: Box<str>,
    /// Until when its keys may be relied on.
    keys_until: Option<Timestamp>,
    /// Where it is asked about tokens.
    pub(crate) introspection: Option<inquiry::Endpoint>,
}

impl Issuer {
    /// Whether tokens of this issuer may be used with APIs of a tenant.
    pub(crate) fn serves(&self, tenant: TenantId) -> bool {
        self.tenant == tenant || self.serves_every_tenant()
    }

    /// Whether an API takes its tokens.
    pub(crate) fn is_accepted_by(&self, security: &ApiSecurity) -> bool {
        let names = &security.key_managers;
        names.is_empty() || names.contains("all") || names.contains(&*self.name)
    }

    /// Whether its keys are too old to be relied on: nobody could fetch them again for longer than is allowed.
    pub(crate) fn is_stale(&self, now: Timestamp) -> bool {
        self.keys_until.is_some_and(|until| now >= until)
    }

    /// Whether this is the built-in key manager, whose tokens say which tenant they were signed for.
    pub(crate) fn serves_every_tenant(&self) -> bool {
        self.tenant.is_super() && &*self.name == RESIDENT
    }
}

/// WSO2's name of the built-in key manager.
const RESIDENT: &str = "Resident Key Manager";

/// A compiled API key.
#[derive(Debug)]
pub(crate) struct CompiledKey {
    /// The key as published.
    pub(crate) key: ApiKey,
    /// Parsed `permitted_ips`; empty means any.
    pub(crate) networks: Vec<IpNet>,
}

impl Compiled {
    /// Compiles a snapshot. `previous` gives the number of the issuers' keys, so that verified tokens stay known while
    /// the keys do not change.
    pub(crate) fn build(
        snapshot: &Snapshot,
        previous: &Self,
        carried: &Carried,
        settings: &GatewaySettings,
    ) -> (Self, Vec<SnapshotFault>) {
        let mut faults = Vec::new();
        let limits = Limits::new(&snapshot.limits);
        let common = Arc::new(Common::build(snapshot, previous, &limits, &mut faults));
        let only_keys = settings.only_keys;
        let mut compiled = Self { version: snapshot.version, common, only_keys, ..Self::default() };
        let mut subscriptions: HashMap<ApiId, Vec<&Subscription>> = HashMap::new();
        for subscription in &snapshot.subscriptions {
            subscriptions.entry(subscription.api).or_default().push(subscription);
        }
        for deployed in snapshot.apis.chunk_by(|one, next| one.id == next.id) {
            let own = deployed.first().and_then(|api| subscriptions.get(&api.id)).map_or(&[][..], Vec::as_slice);
            let own = own.iter().copied();
            compiled.add_api(deployed, own, &limits, carried, settings, &mut faults);
        }
        compiled.index(|_| true, &mut faults);
        (compiled, faults)
    }

    /// Compiles what changed, and shares the rest with the snapshot it is a change of. Faults are those of what changed.
    ///
    /// # Errors
    /// The change is one of another version.
    pub(crate) fn changed(
        &self,
        delta: &Delta,
        carried: &Carried,
        settings: &GatewaySettings,
    ) -> Result<(Self, Vec<SnapshotFault>), WrongVersion> {
        if delta.from != self.version {
            return Err(WrongVersion { has: self.version, needs: delta.from });
        }
        let mut faults = Vec::new();
        let touched: HashSet<ApiId> = delta.apis.iter().map(|change| change.api).collect();
        let kept = self.apis.iter().filter(|api| !touched.contains(&api.deployed.id)).map(Arc::clone);
        let mut compiled =
            Self { version: delta.to, common: Arc::clone(&self.common), apis: kept.collect(), ..Self::default() };
        compiled.only_keys = settings.only_keys;
        let limits = Limits::new(&self.limits);
        for change in &delta.apis {
            let own = change.subscriptions.iter();
            compiled.add_api(&change.deployed, own, &limits, carried, settings, &mut faults);
        }
        // Which of two APIs gets a context must not depend on the way a state was reached.
        compiled.apis.sort_by_key(|api| api.deployed.id);
        compiled.index(|api| touched.contains(&api.deployed.id), &mut faults);
        Ok((compiled, faults))
    }

    /// The API for a host and canonical path, and where the path below its context begins. A virtual host's own
    /// deployment goes before one for any host.
    pub(crate) fn find_api(&self, host: &str, path: &str) -> Option<(&Api, usize)> {
        let own = if self.hosts.is_empty() { None } else { self.hosts.get(host).and_then(|c| c.find(path)) };
        let (index, tail) = own.or_else(|| self.any_host.find(path))?;
        Some((self.apis.get(index)?, tail))
    }

    /// All APIs.
    pub(crate) fn apis(&self) -> &[Arc<Api>] {
        &self.apis
    }

    /// Compiles the deployments of one API.
    fn add_api<'s>(
        &mut self,
        deployments: &[Arc<DeployedApi>],
        subscriptions: impl Iterator<Item = &'s Subscription>,
        limits: &Limits<'_>,
        carried: &Carried,
        settings: &GatewaySettings,
        faults: &mut Vec<SnapshotFault>,
    ) {
        // Subscriptions of an API that is not deployed here decide nothing.
        let Some(first) = deployments.first() else { return };
        let subscriptions = Arc::new(consumers::subscriptions(first.tenant, subscriptions, limits, carried, faults));
        for deployed in deployments {
            let tenant = self.tenants.get(&deployed.tenant);
            match api::compile(deployed, &subscriptions, tenant, limits, (&self.denials, &self.logs), carried, settings)
            {
                Ok(api) => self.apis.push(Arc::new(api)),
                Err(error) => faults.push(SnapshotFault { subject: subject(deployed), reason: error.to_string() }),
            }
        }
    }

    /// Makes the lookup by context. What is wrong with an API is said where `is_new` says that nobody knows it yet.
    fn index(&mut self, is_new: impl Fn(&Api) -> bool, faults: &mut Vec<SnapshotFault>) {
        for (index, api) in self.apis.iter().enumerate() {
            let deployed = &api.deployed;
            let mut refuse = |reason: String| {
                if is_new(api) {
                    faults.push(SnapshotFault { subject: subject(deployed), reason });
                }
            };
            let contexts = if deployed.vhost.is_empty() {
                &mut self.any_host
            } else {
                self.hosts.entry(deployed.vhost.to_ascii_lowercase().into()).or_default()
            };
            if !contexts.insert(&deployed.versioned_context, index) {
                refuse("another API has this context and version; change one of them".into());
                continue;
            }
            if let Some(context) = api::default_context(deployed)
                && !contexts.insert(&context, index)
            {
                refuse(format!("{context} is taken; only calls with the version reach this API"));
            }
        }
    }
}

fn subject(deployed: &DeployedApi) -> String {
    format!("API {}:{} ({})", deployed.name, deployed.version, deployed.versioned_context)
}

/// A change of a version that is not the one that is served. Whoever sent it sends the whole snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway serves version {has} of the snapshot; this is a change of version {needs}")]
pub struct WrongVersion {
    /// What is served.
    pub has: u64,
    /// What would be needed.
    pub needs: u64,
}

impl Common {
    fn build(snapshot: &Snapshot, previous: &Compiled, limits: &Limits<'_>, faults: &mut Vec<SnapshotFault>) -> Self {
        let mut common = Self { tenants: snapshot.tenants.clone(), limits: snapshot.limits.clone(), ..Self::default() };
        let (denials, bad) = Denials::compile(&snapshot.denials, &snapshot.tenants);
        faults.extend(bad.into_iter().map(|f| SnapshotFault { subject: "deny policy".into(), reason: f.to_string() }));
        common.denials = denials;
        common.custom_limits.clone_from(&snapshot.custom_limits);
        common.logs = Levels::new(&snapshot.logs);
        common.add_issuers(&snapshot.issuers, previous, faults);
        common.add_consumers(snapshot, limits, faults);
        common.add_api_keys(snapshot, faults);
        for (id, expires) in &snapshot.revoked_tokens {
            common.revoked.insert(id.as_str().into(), *expires);
        }
        for ((tenant, subject), epoch) in &snapshot.subject_epochs {
            common.subject_epochs.entry(subject.as_str().into()).or_default().push((*tenant, *epoch));
        }
        common
    }

    fn add_issuers(&mut self, issuers: &[TokenIssuer], previous: &Compiled, faults: &mut Vec<SnapshotFault>) {
        for issuer in issuers {
            let mut keys = Vec::new();
            for jwk in &issuer.keys {
                match VerifyingKey::from_jwk(jwk) {
                    Ok(key) => keys.push(key),
                    Err(error) => faults.push(SnapshotFault {
                        subject: format!("key of token issuer {}", issuer.issuer),
                        reason: error.to_string(),
                    }),
                }
            }
            self.verifiers.push(Verifier::new(issuer.issuer.as_str(), keys, BTreeSet::new()));
            self.issuers.push(Issuer {
                tenant: issuer.tenant,
                name: issuer.name.as_str().into(),
                consumer_key_claims: match &issuer.consumer_key_claim {
                    Some(claim) => vec![claim.as_str().into()],
                    None => vec!["azp".into(), "client_id".into()],
                },
                scopes_claim: issuer.scopes_claim.as_deref().unwrap_or("scope").into(),
                keys_until: issuer.keys_until,
                introspection: match issuer.introspection.as_ref().map(inquiry::Endpoint::compile).transpose() {
                    Ok(endpoint) => endpoint,
                    Err(reason) => {
                        let subject = format!("token validation of key manager {}", issuer.name);
                        faults.push(SnapshotFault { subject, reason });
                        None
                    }
                },
            });
        }
        let endpoints = || self.issuers.iter().filter_map(|issuer| issuer.introspection.as_ref());
        self.introspects = endpoints().next().is_some();
        self.introspects_jwt = endpoints().any(inquiry::Endpoint::also_jwt);
        // Keys that were fetched again and are the same change nothing.
        let timeless = |issuer: &TokenIssuer| TokenIssuer { keys_until: None, ..issuer.clone() };
        let timeless: Vec<TokenIssuer> = issuers.iter().map(timeless).collect();
        self.issuers_text = serde_json::to_string(&timeless).unwrap_or_default();
        let same = self.issuers_text == previous.issuers_text;
        self.issuers_epoch = if same { previous.issuers_epoch } else { previous.issuers_epoch + 1 };
    }

    /// Whether what a subject was granted at a time has ended since.
    pub(crate) fn ended_since(&self, subject: &str, at: Timestamp) -> bool {
        self.subject_epochs.get(subject).is_some_and(|epochs| epochs.iter().any(|(_, epoch)| at < *epoch))
    }

    fn add_api_keys(&mut self, snapshot: &Snapshot, faults: &mut Vec<SnapshotFault>) {
        for (hash, key) in &snapshot.api_keys {
            let parse = |text: &String| {
                let text = text.trim();
                let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
                network.map_err(|_| text.to_owned())
            };
            match key.permitted_ips.iter().map(parse).collect() {
                Ok(networks) => {
                    let key = CompiledKey { key: key.clone(), networks };
                    self.api_keys.insert(hash.to_ascii_lowercase().into(), key);
                }
                Err(text) => faults.push(SnapshotFault {
                    subject: format!("API key of application {}", key.application),
                    reason: format!("\"{text}\" is not an address or network; the key is not accepted until it is"),
                }),
            }
        }
    }
}

/// Limit policies by tenant, level and name.
pub(crate) struct Limits<'a>(HashMap<(TenantId, LimitLevel, &'a str), &'a LimitPolicy>);

/// Names that mean no limit whether or not the snapshot lists them.
const UNLIMITED: [&str; 6] = [
    "Unlimited",
    "AsyncUnlimited",
    "AsyncWHUnlimited",
    "DefaultSubscriptionless",
    "AsyncDefaultSubscriptionless",
    "Unauthenticated",
];

impl<'a> Limits<'a> {
    fn new(policies: &'a [LimitPolicy]) -> Self {
        Self(policies.iter().map(|p| ((p.tenant, p.level, p.name.as_str()), p)).collect())
    }

    /// The policy of a name; `Ok(None)` is unlimited, `Err` is a name nobody defined.
    pub(crate) fn find(&self, tenant: TenantId, level: LimitLevel, name: &str) -> Result<Option<&'a LimitPolicy>, ()> {
        match self.0.get(&(tenant, level, name)) {
            Some(policy) => Ok(Some(policy)),
            None if name.is_empty() || UNLIMITED.contains(&name) => Ok(None),
            None => Err(()),
        }
    }
}
