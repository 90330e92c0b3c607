//! The consumers' part of the snapshot: tenants, applications, keys, subscriptions, limits, issuers, denials, and what
//! the identity tables say about revoked tokens.
//!
//! The resident key manager's issuer and keys are not here, nor the times since when subjects' tokens count: the
//! composition root adds them, because only crate `identity` knows its keys and how its tokens name their subjects.

use std::collections::BTreeMap;

use model::snapshot::{
    ApiKey, Application, ApplicationKey, CustomLimit, Denial, KeyType, LimitLevel, LimitPolicy, Subscription,
    SubscriptionState, TokenIssuer,
};
use model::{ApplicationId, ConsumerKey, TenantDomain, TenantId, Timestamp};
use store::repository::catalogue::{self, ItemKind};
use store::repository::subscription::SubscriptionRow;
use store::repository::{
    api_key, application, application_key, deny as deny_policies, subscription, tenant, throttling as policies, token,
    user,
};
use store::{StoreError, UnitOfWork};

use crate::Sealer;
use crate::deny::denial_of;
use crate::key_manager::registry::issuer_of;
use crate::throttling::{custom_limit_of, limit_of, unlimited};
use crate::workflow;

/// What the gateway must know about consumers.
#[derive(Default)]
pub(crate) struct Consumers {
    /// Active tenants by number.
    pub(crate) tenants: BTreeMap<TenantId, TenantDomain>,
    /// Approved applications of active tenants whose owners may act: a locked or deleted user has none.
    pub(crate) applications: BTreeMap<ApplicationId, Application>,
    /// Client ids of those applications.
    pub(crate) keys: BTreeMap<ConsumerKey, ApplicationKey>,
    /// Subscriptions that count.
    pub(crate) subscriptions: Vec<Subscription>,
    /// Policies of three levels, `Unlimited` of each tenant and level included.
    pub(crate) limits: Vec<LimitPolicy>,
    /// Custom rules of the super tenant.
    pub(crate) custom_limits: Vec<CustomLimit>,
    /// Registered key managers.
    pub(crate) issuers: Vec<TokenIssuer>,
    /// API keys of those applications by SHA-256.
    pub(crate) api_keys: BTreeMap<String, ApiKey>,
    /// Active deny policies.
    pub(crate) denials: Vec<Denial>,
    /// Revoked tokens by id with their expiry.
    pub(crate) revoked_tokens: BTreeMap<String, Timestamp>,
}

/// `Unlimited` of a tenant's levels.
pub(super) fn unlimited_of(tenant: TenantId) -> Vec<LimitPolicy> {
    let levels = [LimitLevel::Subscription, LimitLevel::Application, LimitLevel::Advanced];
    levels.into_iter().map(|level| unlimited(tenant, level)).collect()
}

fn key_type(text: &str) -> KeyType {
    if text == "SANDBOX" { KeyType::Sandbox } else { KeyType::Production }
}

/// How far the clock of a gateway may be behind, milliseconds.
const CLOCK_MARGIN: i64 = 300_000;

/// Reads them all.
pub(crate) async fn consumers(
    work: &mut UnitOfWork,
    sealer: &dyn Sealer,
    now: Timestamp,
) -> Result<Consumers, StoreError> {
    let mut found = Consumers::default();
    for row in tenant::list(work).await?.into_iter().filter(|row| row.tenant.active) {
        found.tenants.insert(row.tenant.id, row.tenant.domain);
    }
    // A database without identity's tables filled still serves the super tenant.
    found.tenants.entry(TenantId::SUPER).or_insert_with(TenantDomain::super_domain);
    read_applications(work, &mut found).await?;
    for row in subscription::all(work).await? {
        if found.applications.contains_key(&row.application) {
            found.subscriptions.extend(subscription_of(row));
        }
    }
    let rows = policies::all(work).await?;
    found.limits = rows.iter().filter_map(limit_of).collect();
    found.custom_limits = rows.iter().filter(|row| row.tenant.is_super()).filter_map(custom_limit_of).collect();
    for tenant in found.tenants.keys() {
        found.limits.extend(unlimited_of(*tenant));
    }
    let key_managers = catalogue::all(work, ItemKind::KeyManager).await?;
    found.issuers = key_managers.iter().filter_map(|row| issuer_of(row, sealer)).collect();
    for row in deny_policies::active(work).await? {
        found.denials.extend(denial_of(&row, found.tenants.get(&row.tenant)));
    }
    // An expired token is refused anyway; a gateway whose clock is behind still needs the entry for a while.
    let alive = Timestamp::from_millis(now.millis().saturating_sub(CLOCK_MARGIN));
    let mut since = Timestamp::from_millis(0);
    // The repository answers in pages, oldest first: a revocation must not be lost behind many others.
    loop {
        let before = found.revoked_tokens.len();
        for row in token::revoked_since(work, since, alive).await? {
            since = row.revoked_at;
            found.revoked_tokens.insert(row.token_id, row.expires_at);
        }
        if found.revoked_tokens.len() == before {
            break;
        }
    }
    Ok(found)
}

/// A subscription that counts. Whose application is not served never gets as far as that.
pub(super) fn subscription_of(row: SubscriptionRow) -> Option<Subscription> {
    let state = match row.status.as_str() {
        "UNBLOCKED" | "TIER_UPDATE_PENDING" | "DELETE_PENDING" => SubscriptionState::Active,
        "PROD_ONLY_BLOCKED" => SubscriptionState::ProductionBlocked,
        "BLOCKED" => SubscriptionState::Blocked,
        // Not decided or rejected: as if it were not there.
        _ => return None,
    };
    Some(Subscription { id: row.id, application: row.application, api: row.api, plan: row.plan, state })
}

async fn read_applications(work: &mut UnitOfWork, found: &mut Consumers) -> Result<(), StoreError> {
    let inactive = user::inactive_owners(work).await?;
    for row in application::all(work).await? {
        let serves = workflow::is_approved(&row.status)
            && found.tenants.contains_key(&row.tenant)
            && !inactive.contains(row.tenant, &row.owner);
        if !serves {
            continue;
        }
        let attributes = row.attributes.as_object().into_iter().flatten();
        let attributes = attributes.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let application = Application {
            id: row.id,
            tenant: row.tenant,
            attributes: attributes.collect(),
            name: row.name,
            owner: row.owner,
            limit: row.policy,
        };
        found.applications.insert(row.id, application);
    }
    for row in application_key::all(work).await? {
        if !found.applications.contains_key(&row.application) {
            continue;
        }
        let key = ApplicationKey {
            application: row.application,
            key_type: key_type(&row.key_type),
            key_manager: row.key_manager,
        };
        found.keys.insert(row.consumer_key, key);
    }
    for row in api_key::all(work).await? {
        if !found.applications.contains_key(&row.application) {
            continue;
        }
        let key = ApiKey {
            application: row.application,
            key_type: key_type(&row.key_type),
            expires: row.expires,
            permitted_ips: row.permitted_ips,
            permitted_referrers: row.permitted_referrers,
        };
        found.api_keys.insert(row.digest, key);
    }
    Ok(())
}
