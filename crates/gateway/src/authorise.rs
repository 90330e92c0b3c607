//! Phases "authorise" and "limit": from a caller to a permit, which forwarding needs by type.

use http::request::Parts;
use model::snapshot::{CallField, KeyType, Lifecycle, SubscriptionState, Transports};
use model::{ApplicationId, TenantId, Timestamp};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::access_log::Rendered;
use crate::authenticate::Caller;
use crate::compile::{Api, ApiEndpoint, Compiled, CompiledResource, CompiledSubscription, Consumer};
use crate::denial::qualified;
use crate::fault::Fault;
use crate::limit::condition::Subject;
use crate::limit::custom::Properties;
use crate::limit::{Charge, Counters, Level, Refusal, admit, custom, refund};

/// Proof that a call was authenticated, authorised and admitted by every limit. Only [`authorise`] makes one.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    tenant: TenantId,
    endpoint: &'a ApiEndpoint,
    byte_limits: Vec<(model::snapshot::Quota, Arc<crate::limit::Window>)>,
}

impl<'a> Permit<'a> {
    /// Where the call may go.
    pub(crate) const fn endpoint(&self) -> &'a ApiEndpoint {
        self.endpoint
    }

    /// Whose API is called.
    pub(crate) const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Bandwidth limits that the answer's bytes are charged to.
    pub(crate) fn take_byte_limits(&mut self) -> Vec<(model::snapshot::Quota, Arc<crate::limit::Window>)> {
        std::mem::take(&mut self.byte_limits)
    }
}

/// What one caller is to one API in one snapshot, as seen from one address: everything of the decision that is the same
/// for all resources and all calls. Only [`Standing::of`] makes one; a connection keeps it beside the token it is for.
#[derive(Debug)]
pub(crate) struct Standing {
    application: Option<Arc<Consumer>>,
    key_type: KeyType,
    subscription: Option<Arc<CompiledSubscription>>,
    /// The caller comes from another tenant: only its subscription counts.
    guest: bool,
    /// A deny policy names the caller.
    denied: bool,
}

/// What limits may look at besides the caller.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// When the call came.
    pub(crate) now: Timestamp,
    /// Bytes of its body as far as they are known.
    pub(crate) bytes: u64,
    /// Head of the request.
    pub(crate) parts: &'a Parts,
    /// Address of the client.
    pub(crate) peer: IpAddr,
    /// Where custom limits count.
    pub(crate) counters: &'a Counters,
}

impl Standing {
    /// Looks a caller up.
    pub(crate) fn of(compiled: &Compiled, api: &Api, caller: &Caller, peer: IpAddr) -> Result<Self, Fault> {
        let (application, key_type) = identify(compiled, api, caller)?;
        // Neither a resource without security nor a user belongs to a key.
        let keyed = !matches!(caller, Caller::Anonymous | Caller::User(_));
        if keyed && compiled.only_keys.is_some_and(|only| only != key_type) {
            return Err(Fault::wrong_gateway_for_key(key_type == KeyType::Production));
        }
        let subscription = subscription(api, application, key_type)?;
        let (home, guest) = check_tenant(compiled, api, caller, (application, subscription.is_some()))?;
        let denied = denied(compiled, api.deployed.tenant, application.map(Arc::as_ref), (caller, home), peer);
        let (application, subscription) = (application.map(Arc::clone), subscription.map(Arc::clone));
        Ok(Self { application, key_type, subscription, guest, denied })
    }

    /// On whose behalf.
    pub(crate) fn application(&self) -> Option<&Consumer> {
        self.application.as_deref()
    }

    /// The subscription that allows the calls.
    pub(crate) fn subscription(&self) -> Option<&CompiledSubscription> {
        self.subscription.as_deref()
    }

    /// The same, to be kept.
    pub(crate) const fn plan(&self) -> Option<&Arc<CompiledSubscription>> {
        self.subscription.as_ref()
    }

    /// Production or sandbox.
    pub(crate) const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The application's part of an access record.
    pub(crate) fn rendered(&self) -> Option<&Rendered> {
        self.application.as_ref().map(|application| &application.rendered)
    }

    /// The application, and the plan of its subscription.
    pub(crate) fn consumer(&self) -> (Option<ApplicationId>, Option<Arc<str>>) {
        let plan = self.subscription.as_ref().map(|subscription| Arc::clone(&subscription.plan));
        (self.application.as_ref().map(|application| application.id), plan)
    }
}

/// Decides whether a caller of known standing may call the resource now, and charges the call to its limits.
pub(crate) fn authorise<'a>(
    compiled: &Compiled,
    (api, resource): (&'a Api, &'a CompiledResource),
    caller: &Caller,
    standing: &Standing,
    asked: &Asked<'_>,
) -> Result<Permit<'a>, Fault> {
    may_call(compiled, resource, caller, standing)?;
    let production = standing.key_type == KeyType::Production;
    let (for_production, for_sandbox) = match &resource.backend {
        Some(backend) => (backend.production.as_ref(), backend.sandbox.as_ref()),
        None => (api.production.as_ref(), api.sandbox.as_ref()),
    };
    let endpoint = if production { for_production } else { for_sandbox };
    // Neither a resource without security nor a user belongs to a key: the call takes the endpoint that exists.
    let fallback = if matches!(caller, Caller::Anonymous | Caller::User(_)) { for_sandbox } else { None };
    let endpoint = endpoint.or(fallback).ok_or_else(|| Fault::no_endpoint_for_key(production))?;
    if api.denied || standing.denied {
        return Err(Fault::denied());
    }
    let user_window = match caller {
        Caller::Token(principal) => principal.user_window.as_ref().map(|(_, window)| window),
        Caller::Key { window, .. } => Some(window),
        Caller::Anonymous | Caller::Test { .. } | Caller::Certificate(_) | Caller::User(_) => None,
    };
    let plan = match caller {
        Caller::Certificate(accepted) => accepted.limit.as_ref(),
        _ => standing.subscription.as_ref().and_then(|s| s.quota.as_ref()),
    };
    let user = standing.application.as_ref().and_then(|a| a.quota).zip(user_window);
    let subscription = standing.subscription.as_ref();
    let charges = [
        api.limit.as_ref().map(|l| l.charge()),
        resource.limit.as_ref().map(|l| l.charge()),
        subscription.and_then(|s| s.burst.as_ref()).map(|l| l.charge()),
        plan.map(|l| l.charge()),
        user.map(|(quota, window)| Charge { level: Level::Application, quota, window }),
        endpoint.limit.as_ref().map(|l| l.charge()),
    ];
    let widened;
    let charges: &[Option<Charge<'_>>] = if api.groups.is_none() && resource.groups.is_none() {
        &charges
    } else {
        widened = with_groups(&charges, (api, resource), caller, asked);
        &widened
    };
    let throttled = |refusal: Refusal| match refusal.level {
        Level::Backend => Fault::backend_limit(refusal),
        _ => Fault::throttled(refusal),
    };
    admit(charges, asked.now, asked.bytes).map_err(throttled)?;
    if !compiled.custom_limits.is_empty() {
        let seen = Seen { compiled, api, resource, caller, standing, peer: asked.peer };
        let admitted = custom::admit(&compiled.custom_limits, asked.counters, &seen, asked.now);
        admitted.inspect_err(|_| refund(charges, asked.now, asked.bytes)).map_err(throttled)?;
    }
    let tokens = subscription.filter(|_| api.deployed.token_usage.is_some()).map_or(&[][..], |s| &s.tokens);
    if !tokens.is_empty() {
        let tokens: Vec<_> = tokens.iter().map(|(_, limit)| Some(limit.charge())).collect();
        let admitted = admit(&tokens, asked.now, asked.bytes);
        admitted.inspect_err(|_| refund(charges, asked.now, asked.bytes)).map_err(throttled)?;
    }
    let bytes = |c: &&Charge<'_>| c.quota.unit == model::snapshot::QuotaUnit::Bytes;
    let byte_limits = charges.iter().flatten().filter(bytes).map(|c| (c.quota, Arc::clone(c.window)));
    Ok(Permit { tenant: api.deployed.tenant, endpoint, byte_limits: byte_limits.collect() })
}

/// Decides on one more resource that the same call reaches, and charges the call to the limits of that resource alone.
pub(crate) fn authorise_further(
    compiled: &Compiled,
    resource: &CompiledResource,
    caller: &Caller,
    standing: &Standing,
    asked: &Asked<'_>,
) -> Result<(), Fault> {
    may_call(compiled, resource, caller, standing)?;
    admit(&[resource.limit.as_ref().map(|limit| limit.charge())], asked.now, asked.bytes).map_err(Fault::throttled)
}

/// Whether a caller's scopes open a resource, whatever the limits are.
pub(crate) fn may_call(
    compiled: &Compiled,
    resource: &CompiledResource,
    caller: &Caller,
    standing: &Standing,
) -> Result<(), Fault> {
    if standing.guest && !resource.scopes.is_empty() {
        // The scopes were granted by another tenant's roles, whatever they are called.
        return Err(Fault::wrong_scope());
    }
    check_scopes(compiled, resource, caller)
}

/// The charges of a call, with the limits of its kind in place of the limits for all calls.
fn with_groups<'a>(
    charges: &[Option<Charge<'a>>],
    (api, resource): (&'a Api, &'a CompiledResource),
    caller: &Caller,
    asked: &Asked<'_>,
) -> Vec<Option<Charge<'a>>> {
    let (headers, query) = (&asked.parts.headers, asked.parts.uri.query());
    let subject = Subject { headers, query, claims: caller.claims(), peer: asked.peer };
    let mut charges = charges.to_vec();
    for (place, groups) in [&api.groups, &resource.groups].into_iter().enumerate() {
        let Some(own) = groups.as_ref().and_then(|groups| groups.matching(&subject)) else { continue };
        if let Some(default) = charges.get_mut(place) {
            *default = None;
        }
        charges.extend(own.into_iter().map(|limit| Some(limit.charge())));
    }
    charges
}

/// A call as custom limits see it.
struct Seen<'a> {
    compiled: &'a Compiled,
    api: &'a Api,
    resource: &'a CompiledResource,
    caller: &'a Caller,
    standing: &'a Standing,
    peer: IpAddr,
}

impl Properties for Seen<'_> {
    fn value(&self, field: CallField) -> Cow<'_, str> {
        let application = self.standing.application.as_deref();
        let domain = |tenant| self.compiled.tenants.get(&tenant).map_or("", |domain| domain.as_str());
        match field {
            CallField::UserId => {
                let named = self.caller.claims().and_then(|claims| claims.get("sub")?.as_str());
                match (self.caller.user(), application) {
                    (Some(user), _) => qualified(user, domain(self.api.deployed.tenant)).into(),
                    (None, Some(owned)) => qualified(&owned.owner, domain(owned.tenant)).into(),
                    (None, None) => named.unwrap_or_default().into(),
                }
            }
            CallField::ApiContext => self.api.deployed.versioned_context.as_str().into(),
            CallField::ApiVersion => self.api.deployed.version.as_str().into(),
            CallField::ApiName => self.api.deployed.name.as_str().into(),
            CallField::ApiTenant => domain(self.api.deployed.tenant).into(),
            CallField::ResourceKey => (&*self.resource.key).into(),
            CallField::AppId => application.map(|a| a.id.to_string()).unwrap_or_default().into(),
            CallField::AppTenant => application.map_or("", |a| domain(a.tenant)).into(),
            CallField::ClientIp => self.peer.to_canonical().to_string().into(),
        }
    }
}

/// The states of an API in which nobody may call it, checked before any credential.
pub(crate) fn check_lifecycle(api: &Api, secure: bool) -> Result<(), Fault> {
    match api.deployed.lifecycle {
        Lifecycle::Blocked => return Err(Fault::api_blocked()),
        Lifecycle::Retired => return Err(Fault::no_api()),
        Lifecycle::Created | Lifecycle::Prototyped | Lifecycle::Published | Lifecycle::Deprecated => {}
    }
    let Transports { http, https } = api.deployed.transports;
    // An API that names no transport restricts none, as in WSO2; plain HTTP still has to be asked for by name.
    let allowed = if secure { https || !http } else { http };
    if allowed { Ok(()) } else { Err(Fault::wrong_transport()) }
}

/// What a token of another tenant is worth: what the subscription of that tenant's application says, and nothing more.
/// Returns the tenant of the user or client, and whether it is a guest.
fn check_tenant(
    compiled: &Compiled,
    api: &Api,
    caller: &Caller,
    (application, subscribed): (Option<&Arc<Consumer>>, bool),
) -> Result<(Option<TenantId>, bool), Fault> {
    let tenant = api.deployed.tenant;
    if let Caller::User(user) = caller {
        // WSO2 refuses the users of other tenants, whose roles mean nothing here.
        let own = compiled.tenants.get(&tenant).is_some_and(|domain| *domain == user.tenant);
        return if own { Ok((Some(tenant), false)) } else { Err(Fault::foreign_user()) };
    }
    let Caller::Token(principal) = caller else { return Ok((None, false)) };
    let named = |domain: &str| tenant_named(compiled, tenant, domain);
    let signing = match &principal.signing_tenant {
        None => compiled.issuers.get(principal.issuer).map(|issuer| issuer.tenant),
        Some(domain) => named(domain),
    };
    let home = principal.user_tenant.as_ref().map_or(signing, |domain| named(domain));
    if signing == Some(tenant) && home == Some(tenant) {
        return Ok((home, false));
    }
    let own = application.is_some_and(|a| Some(a.tenant) == signing);
    if !subscribed || !own || home.is_none() {
        return Err(Fault::no_subscription());
    }
    Ok((home, true))
}

/// A tenant by its domain. Nearly always the API's own: only others are searched for.
fn tenant_named(compiled: &Compiled, likely: TenantId, domain: &str) -> Option<TenantId> {
    let tenants = compiled.tenants.get_key_value(&likely).into_iter().chain(&compiled.tenants);
    tenants.into_iter().find(|(_, d)| d.as_str() == domain).map(|(tenant, _)| *tenant)
}

fn identify<'a>(
    compiled: &'a Compiled,
    api: &Api,
    caller: &Caller,
) -> Result<(Option<&'a Arc<Consumer>>, KeyType), Fault> {
    match caller {
        Caller::Anonymous | Caller::User(_) => Ok((None, KeyType::Production)),
        Caller::Certificate(accepted) => Ok((None, accepted.key_type)),
        Caller::Test { key_type, .. } => Ok((None, *key_type)),
        Caller::Key { application, key_type, .. } => Ok((Some(consumer(compiled, *application)?), *key_type)),
        Caller::Token(principal) => {
            let issuer = compiled.issuers.get(principal.issuer).ok_or_else(Fault::invalid_credentials)?;
            let key = compiled.keys.get(&principal.consumer_key);
            // A client id counts only in tokens of the key manager that issued it.
            let key = key.filter(|key| key.key_manager == issuer.name);
            match key {
                Some(key) => Ok((Some(consumer(compiled, key.application)?), key.key_type)),
                None if api.deployed.security.subscription_required => Err(Fault::no_subscription()),
                None => Ok((None, KeyType::Production)),
            }
        }
    }
}

/// An application that the snapshot refused must not pass as no application.
fn consumer(compiled: &Compiled, id: ApplicationId) -> Result<&Arc<Consumer>, Fault> {
    compiled.consumers.get(&id).ok_or_else(Fault::no_subscription)
}

fn subscription<'a>(
    api: &'a Api,
    application: Option<&Arc<Consumer>>,
    key_type: KeyType,
) -> Result<Option<&'a Arc<CompiledSubscription>>, Fault> {
    let Some(application) = application else { return Ok(None) };
    let found = api.subscriptions.get(&application.id);
    match found {
        None if api.deployed.security.subscription_required => Err(Fault::no_subscription()),
        None => Ok(None),
        Some(subscription) => match subscription.state {
            SubscriptionState::Active => Ok(found),
            SubscriptionState::ProductionBlocked if key_type == KeyType::Sandbox => Ok(found),
            SubscriptionState::ProductionBlocked | SubscriptionState::Blocked => Err(Fault::subscription_blocked()),
        },
    }
}

fn check_scopes(compiled: &Compiled, resource: &CompiledResource, caller: &Caller) -> Result<(), Fault> {
    if resource.scopes.is_empty() {
        return Ok(());
    }
    if let Caller::User(user) = caller {
        let granted = resource.scopes.iter().any(|scope| user.scopes.contains(&**scope));
        return if granted { Ok(()) } else { Err(Fault::wrong_scope()) };
    }
    let Caller::Token(principal) = caller else { return Ok(()) };
    let claim = compiled.issuers.get(principal.issuer).map_or("scope", |issuer| &issuer.scopes_claim);
    let granted = principal.claims.scopes(claim).any(|scope| resource.scopes.iter().any(|s| **s == *scope));
    if granted { Ok(()) } else { Err(Fault::wrong_scope()) }
}

fn denied(
    compiled: &Compiled,
    tenant: TenantId,
    application: Option<&Consumer>,
    (caller, home): (&Caller, Option<TenantId>),
    peer: IpAddr,
) -> bool {
    let denials = &compiled.denials;
    let elsewhere =
        denials.address(tenant, peer) || application.is_some_and(|a| denials.application(tenant, &a.owner, &a.name));
    if elsewhere || !denials.names_users(tenant) {
        return elsewhere;
    }
    let domain = |tenant: TenantId| compiled.tenants.get(&tenant).map_or("", |domain| domain.as_str());
    // A client's own token and an API key act for the owner of the application; a user's token for that user.
    let subject = match caller {
        Caller::Token(principal) | Caller::Test { principal, .. } => principal.claims.subject(),
        Caller::User(user) => Some(user.subject.as_str()),
        Caller::Key { .. } | Caller::Anonymous | Caller::Certificate(_) => None,
    };
    let owner = application.filter(|_| caller.user().is_none());
    let named = |name: &str, own: TenantId| {
        // The policy of a tenant on a guest is written `guest@elsewhere`, which its own domain may have been added to.
        denials.user(tenant, name, domain(own))
            || own != tenant && denials.user(tenant, &qualified(name, domain(own)), domain(tenant))
    };
    subject.is_some_and(|user| named(user, home.unwrap_or(tenant))) || owner.is_some_and(|a| named(&a.owner, a.tenant))
}
