//! Applications, client ids and subscriptions.

use model::snapshot::{KeyType, LimitLevel, LimitPolicy, Quota, QuotaUnit, Snapshot, Subscription, SubscriptionState};
use model::{ApplicationId, TenantId};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

use super::{Carried, Common, Limits, SnapshotFault};
use crate::access_log::Rendered;
use crate::assertion::Assertions;
use crate::limit::{CounterKey, Level, Limit};
use crate::tokens::TokenKind;

/// A compiled application.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// Its id.
    pub(crate) id: ApplicationId,
    /// Owner tenant.
    pub(crate) tenant: TenantId,
    /// Name.
    pub(crate) name: Box<str>,
    /// Its part of an access record.
    pub(crate) rendered: Rendered,
    /// Owner.
    pub(crate) owner: Box<str>,
    /// Custom attributes as a JSON object, when there are any.
    pub(crate) attributes: Option<Box<Value>>,
    /// Tokens for upstreams that were made for its API keys.
    pub(crate) assertions: Assertions,
    /// Application-level quota; its counter is per user.
    pub(crate) quota: Option<Quota>,
}

/// What a client id stands for.
#[derive(Debug)]
pub(crate) struct ClientKey {
    /// The application.
    pub(crate) application: ApplicationId,
    /// Production or sandbox.
    pub(crate) key_type: KeyType,
    /// Key manager whose tokens may carry this client id.
    pub(crate) key_manager: Box<str>,
}

/// A compiled subscription.
#[derive(Debug)]
pub(crate) struct CompiledSubscription {
    /// Name of the business plan.
    pub(crate) plan: Arc<str>,
    /// Whether calls are allowed.
    pub(crate) state: SubscriptionState,
    /// Quota of the plan.
    pub(crate) quota: Option<Limit>,
    /// Short-time bound of the plan.
    pub(crate) burst: Option<Limit>,
    /// Tokens of language models that the plan allows.
    pub(crate) tokens: Vec<(TokenKind, Limit)>,
    /// Deepest GraphQL query of the plan.
    pub(crate) graphql_depth: Option<u32>,
    /// Costliest GraphQL query of the plan.
    pub(crate) graphql_complexity: Option<u32>,
}

/// The quota that refuses calls, if any.
pub(super) fn stopping(policy: Option<&LimitPolicy>) -> Option<Quota> {
    policy.filter(|p| p.stop_on_quota).and_then(|p| p.quota)
}

impl Common {
    pub(super) fn add_consumers(&mut self, snapshot: &Snapshot, limits: &Limits<'_>, faults: &mut Vec<SnapshotFault>) {
        for (id, application) in &snapshot.applications {
            match limits.find(application.tenant, LimitLevel::Application, &application.limit) {
                Ok(policy) => {
                    let consumer = Consumer {
                        id: *id,
                        tenant: application.tenant,
                        name: application.name.as_str().into(),
                        rendered: Rendered::of(&[("application", &application.name)]),
                        owner: application.owner.as_str().into(),
                        attributes: (!application.attributes.is_empty())
                            .then(|| Box::new(json!(application.attributes))),
                        assertions: Assertions::default(),
                        quota: stopping(policy),
                    };
                    self.consumers.insert(*id, Arc::new(consumer));
                }
                Err(()) => {
                    faults.push(unknown_policy(format!("application {} ({id})", application.name), &application.limit))
                }
            }
        }
        for (client_id, key) in &snapshot.keys {
            let key = ClientKey {
                application: key.application,
                key_type: key.key_type,
                key_manager: key.key_manager.as_str().into(),
            };
            self.keys.insert(client_id.as_str().into(), key);
        }
    }
}

/// An API's subscriptions by application.
pub(crate) type Subscriptions = HashMap<ApplicationId, Arc<CompiledSubscription>>;

/// Compiles the subscriptions of one API of a tenant.
pub(super) fn subscriptions<'s>(
    tenant: TenantId,
    found: impl Iterator<Item = &'s Subscription>,
    limits: &Limits<'_>,
    carried: &Carried,
    faults: &mut Vec<SnapshotFault>,
) -> Subscriptions {
    let mut compiled = Subscriptions::new();
    for subscription in found {
        let Ok(policy) = limits.find(tenant, LimitLevel::Subscription, &subscription.plan) else {
            faults.push(unknown_policy(format!("subscription {}", subscription.id), &subscription.plan));
            continue;
        };
        let limit = |level, key, quota: Option<Quota>| {
            quota.map(|quota| Limit { level, quota, window: carried.counters.get(key) })
        };
        let tokens = policy.filter(|p| p.stop_on_quota).and_then(|p| p.tokens).map(|tokens| {
            let bounds = [
                (TokenKind::Prompt, tokens.prompt),
                (TokenKind::Completion, tokens.completion),
                (TokenKind::Total, tokens.total),
            ];
            let window_seconds = tokens.window_seconds;
            let limits = bounds.into_iter().filter_map(|(kind, amount)| {
                let quota = Quota { amount: amount?, unit: QuotaUnit::Tokens, window_seconds };
                Some((kind, limit(Level::Subscription, CounterKey::Tokens(subscription.id, kind), Some(quota))?))
            });
            limits.collect()
        });
        let own = CompiledSubscription {
            plan: subscription.plan.as_str().into(),
            state: subscription.state,
            quota: limit(Level::Subscription, CounterKey::Subscription(subscription.id), stopping(policy)),
            burst: limit(Level::Burst, CounterKey::Burst(subscription.id), policy.and_then(|p| p.burst)),
            tokens: tokens.unwrap_or_default(),
            graphql_depth: policy.and_then(|p| p.graphql_depth),
            graphql_complexity: policy.and_then(|p| p.graphql_complexity),
        };
        compiled.insert(subscription.application, Arc::new(own));
    }
    compiled
}

fn unknown_policy(subject: String, name: &str) -> SnapshotFault {
    let reason = format!("its limit policy \"{name}\" does not exist; calls are refused until it does");
    SnapshotFault { subject, reason }
}
