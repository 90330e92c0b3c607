//! Phases "authorise" and "limit": from a caller to a permit, which forwarding needs by type.

use model::snapshot::{KeyType, Lifecycle, SubscriptionState};
use std::net::IpAddr;

use crate::authenticate::Caller;
use crate::compile::{Api, ApiEndpoint, Compiled, CompiledResource, CompiledSubscription, Consumer};
use crate::fault::Fault;
use crate::limit::{Charge, Level, admit};
use crate::worker::Worker;

/// Proof that a call was authenticated, authorised and admitted by every limit. Only [`authorise`] makes one.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    endpoint: &'a ApiEndpoint,
    application: Option<&'a Consumer>,
    byte_limits: Vec<(model::snapshot::Quota, std::sync::Arc<crate::limit::Window>)>,
}

impl<'a> Permit<'a> {
    /// Where the call may go.
    pub(crate) const fn endpoint(&self) -> &'a ApiEndpoint {
        self.endpoint
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
    check_scopes(compiled, resource, caller)?;
    let endpoint = match key_type {
        KeyType::Production => api.production.as_ref(),
        KeyType::Sandbox => api.sandbox.as_ref(),
    };
    // A resource without security belongs to nobody's key: it takes the endpoint that exists.
    let fallback = if matches!(caller, Caller::Anonymous) { api.sandbox.as_ref() } else { None };
    let endpoint = endpoint.or(fallback).ok_or_else(|| Fault::no_endpoint_for_key(key_type == KeyType::Production))?;

    if api.denied || denied(compiled, tenant, application, caller, peer) {
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
    Ok(Permit { endpoint, application, byte_limits: byte_limits.collect() })
}

/// The states of an API in which nobody may call it, checked before any credential.
pub(crate) fn check_lifecycle(api: &Api, secure: bool) -> Result<(), Fault> {
    match api.deployed.lifecycle {
        Lifecycle::Blocked => return Err(Fault::api_blocked()),
        Lifecycle::Retired => return Err(Fault::no_api()),
        Lifecycle::Created | Lifecycle::Prototyped | Lifecycle::Published | Lifecycle::Deprecated => {}
    }
    let transports = api.deployed.transports;
    if secure && transports.https || !secure && transports.http { Ok(()) } else { Err(Fault::wrong_transport()) }
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
    tenant: model::TenantId,
    application: Option<&Consumer>,
    caller: &Caller,
    peer: IpAddr,
) -> bool {
    let denials = &compiled.denials;
    let user = match caller {
        Caller::Token(principal) | Caller::Test { principal, .. } => principal.claims.subject(),
        Caller::Key { .. } => application.map(|a| &*a.owner),
        Caller::Anonymous => None,
    };
    denials.address(tenant, peer)
        || application.is_some_and(|a| denials.application(tenant, &a.owner, &a.name))
        || user.is_some_and(|user| denials.user(tenant, user))
}
