//! Phases "authorise" and "limit": from a caller to a permit, which forwarding needs by type.

use model::TenantId;
use model::snapshot::{KeyType, Lifecycle, SubscriptionState, Transports};
use std::net::IpAddr;

use crate::authenticate::{Caller, FOR_USER};
use crate::compile::{Api, ApiEndpoint, Compiled, CompiledResource, CompiledSubscription, Consumer};
use crate::denial::qualified;
use crate::fault::Fault;
use crate::limit::{Charge, Level, admit};
use crate::worker::Worker;

/// Proof that a call was authenticated, authorised and admitted by every limit. Only [`authorise`] makes one.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    tenant: TenantId,
    endpoint: &'a ApiEndpoint,
    application: Option<&'a Consumer>,
    byte_limits: Vec<(model::snapshot::Quota, std::sync::Arc<crate::limit::Window>)>,
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

    /// On whose behalf, for the log.
    pub(crate) const fn application(&self) -> Option<&'a Consumer> {
        self.application
    }

    /// Bandwidth limits that the answer's bytes are charged to.
    pub(crate) fn take_byte_limits(&mut self) -> Vec<(model::snapshot::Quota, std::sync::Arc<crate::limit::Window>)> {
        std::mem::take(&mut self.byte_limits)
    }
}

/// Decides whether an identified caller may call the resource now, and charges the call to its limits.
pub(crate) fn authorise<'a>(
    worker: &Worker,
    compiled: &'a Compiled,
    api: &'a Api,
    resource: &'a CompiledResource,
    caller: &Caller,
    (peer, request_bytes): (IpAddr, u64),
) -> Result<Permit<'a>, Fault> {
    let tenant = api.deployed.tenant;
    let (application, key_type) = identify(compiled, api, caller)?;
    let subscription = subscription(compiled, api, application, key_type)?;
    let home = check_tenant(compiled, api, resource, caller, (application, subscription.is_some()))?;
    check_scopes(compiled, resource, caller)?;
    let endpoint = match key_type {
        KeyType::Production => api.production.as_ref(),
        KeyType::Sandbox => api.sandbox.as_ref(),
    };
    // A resource without security belongs to nobody's key: it takes the endpoint that exists.
    let fallback = if matches!(caller, Caller::Anonymous) { api.sandbox.as_ref() } else { None };
    let endpoint = endpoint.or(fallback).ok_or_else(|| Fault::no_endpoint_for_key(key_type == KeyType::Production))?;

    if api.denied || denied(compiled, tenant, application, (caller, home), peer) {
        return Err(Fault::denied());
    }
    let user_window = match caller {
        Caller::Token(principal) => principal.user_window.as_ref().map(|(_, window)| window),
        Caller::Key { window, .. } => Some(window),
        Caller::Anonymous | Caller::Test { .. } => None,
    };
    let user = application.and_then(|a| a.quota).zip(user_window);
    let charges = [
        api.limit.as_ref().map(|l| l.charge()),
        resource.limit.as_ref().map(|l| l.charge()),
        subscription.and_then(|s| s.burst.as_ref()).map(|l| l.charge()),
        subscription.and_then(|s| s.quota.as_ref()).map(|l| l.charge()),
        user.map(|(quota, window)| Charge { level: Level::Application, quota, window }),
        endpoint.limit.as_ref().map(|l| l.charge()),
    ];
    admit(&charges, worker.now(), request_bytes).map_err(|refusal| match refusal.level {
        Level::Backend => Fault::backend_limit(refusal),
        _ => Fault::throttled(refusal),
    })?;
    let bytes = |c: &&Charge<'_>| c.quota.unit == model::snapshot::QuotaUnit::Bytes;
    let byte_limits = charges.iter().flatten().filter(bytes).map(|c| (c.quota, std::sync::Arc::clone(c.window)));
    Ok(Permit { tenant, endpoint, application, byte_limits: byte_limits.collect() })
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
/// Returns the tenant of the user or client.
fn check_tenant(
    compiled: &Compiled,
    api: &Api,
    resource: &CompiledResource,
    caller: &Caller,
    (application, subscribed): (Option<&Consumer>, bool),
) -> Result<Option<TenantId>, Fault> {
    let Caller::Token(principal) = caller else { return Ok(None) };
    let tenant = api.deployed.tenant;
    let named = |domain: &str| tenant_named(compiled, tenant, domain);
    let signing = match &principal.signing_tenant {
        None => compiled.issuers.get(principal.issuer).map(|issuer| issuer.tenant),
        Some(domain) => named(domain),
    };
    let home = principal.user_tenant.as_ref().map_or(signing, |domain| named(domain));
    if signing == Some(tenant) && home == Some(tenant) {
        return Ok(home);
    }
    let own = application.is_some_and(|a| Some(a.tenant) == signing);
    if !subscribed || !own || home.is_none() {
        return Err(Fault::no_subscription());
    }
    // The scopes were granted by another tenant's roles, whatever they are called.
    if resource.scopes.is_empty() { Ok(home) } else { Err(Fault::wrong_scope()) }
}

/// A tenant by its domain. Nearly always the API's own: only others are searched for.
fn tenant_named(compiled: &Compiled, likely: TenantId, domain: &str) -> Option<TenantId> {
    let tenants = compiled.tenants.get_key_value(&likely).into_iter().chain(&compiled.tenants);
    tenants.into_iter().find(|(_, d)| d.as_str() == domain).map(|(tenant, _)| *tenant)
}

fn identify<'a>(compiled: &'a Compiled, api: &Api, caller: &Caller) -> Result<(Option<&'a Consumer>, KeyType), Fault> {
    match caller {
        Caller::Anonymous => Ok((None, KeyType::Production)),
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
fn consumer(compiled: &Compiled, id: model::ApplicationId) -> Result<&Consumer, Fault> {
    compiled.consumers.get(&id).ok_or_else(Fault::no_subscription)
}

fn subscription<'a>(
    compiled: &'a Compiled,
    api: &Api,
    application: Option<&Consumer>,
    key_type: KeyType,
) -> Result<Option<&'a CompiledSubscription>, Fault> {
    let Some(application) = application else { return Ok(None) };
    let found = compiled.subscriptions.get(&(application.id, api.deployed.id));
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
    let Caller::Token(principal) = caller else { return Ok(()) };
    if resource.scopes.is_empty() {
        return Ok(());
    }
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
    let (subject, for_user) = match caller {
        Caller::Token(principal) | Caller::Test { principal, .. } => {
            (principal.claims.subject(), principal.claims.text("aut") == Some(FOR_USER))
        }
        Caller::Key { .. } | Caller::Anonymous => (None, false),
    };
    let owner = application.filter(|_| !for_user);
    let named = |name: &str, own: TenantId| {
        // The policy of a tenant on a guest is written `guest@elsewhere`, which its own domain may have been added to.
        denials.user(tenant, name, domain(own))
            || own != tenant && denials.user(tenant, &qualified(name, domain(own)), domain(tenant))
    };
    subject.is_some_and(|user| named(user, home.unwrap_or(tenant))) || owner.is_some_and(|a| named(&a.owner, a.tenant))
}
