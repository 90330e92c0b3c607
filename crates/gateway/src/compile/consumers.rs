//! Applications, client ids and subscriptions.

use model::snapshot::{KeyType, LimitLevel, LimitPolicy, Quota, Snapshot, SubscriptionState};
use model::{ApiId, ApplicationId, TenantId};
use std::collections::HashMap;
use std::sync::Arc;

use super::{Carried, Compiled, Limits, SnapshotFault};
use crate::access_log::Rendered;
use crate::limit::{CounterKey, Level, Limit};

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
    /// Whether calls are allowed.
    pub(crate) state: SubscriptionState,
    /// Quota of the plan.
    pub(crate) quota: Option<Limit>,
    /// Short-time bound of the plan.
    pub(crate) burst: Option<Limit>,
}

/// The quota that refuses calls, if any.
pub(super) fn stopping(policy: Option<&LimitPolicy>) -> Option<Quota> {
    policy.filter(|p| p.stop_on_quota).and_then(|p| p.quota)
}

impl Compiled {
    pub(super) fn add_consumers(
        &mut self,
        snapshot: &Snapshot,
        limits: &Limits<'_>,
        carried: &Carried,
        faults: &mut Vec<SnapshotFault>,
    ) {
        let mut refuse = |subject: String, name: &str| {
            let reason = format!("its limit policy \"{name}\" does not exist; calls are refused until it does");
            faults.push(SnapshotFault { subject, reason });
        };
        for (id, application) in &snapshot.applications {
            match limits.find(application.tenant, LimitLevel::Application, &application.limit) {
                Ok(policy) => {
                    let consumer = Consumer {
                        id: *id,
                        tenant: application.tenant,
                        name: application.name.as_str().into(),
                        rendered: Rendered::of(&[("application", &application.name)]),
                        owner: application.owner.as_str().into(),
                        quota: stopping(policy),
                    };
                    self.consumers.insert(*id, Arc::new(consumer));
                }
                Err(()) => refuse(format!("application {} ({id})", application.name), &application.limit),
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
        let owners: HashMap<ApiId, TenantId> = snapshot.apis.iter().map(|api| (api.id, api.tenant)).collect();
        for subscription in &snapshot.subscriptions {
            // Subscriptions of APIs that are not deployed here decide nothing.
            let Some(tenant) = owners.get(&subscription.api) else { continue };
            let Ok(policy) = limits.find(*tenant, LimitLevel::Subscription, &subscription.plan) else {
                refuse(format!("subscription {}", subscription.id), &subscription.plan);
                continue;
            };
            let limit = |level, key, quota: Option<Quota>| {
                quota.map(|quota| Limit { level, quota, window: carried.counters.get(key) })
            };
            let compiled = CompiledSubscription {
                state: subscription.state,
                quota: limit(Level::Subscription, CounterKey::Subscription(subscription.id), stopping(policy)),
                burst: limit(Level::Burst, CounterKey::Burst(subscription.id), policy.and_then(|p| p.burst)),
            };
            self.subscriptions.insert((subscription.application, subscription.api), Arc::new(compiled));
        }
    }
}
