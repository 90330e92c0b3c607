//! What changed since a version, as long as single APIs and their subscriptions did.

use std::collections::BTreeSet;

use model::ApiId;
use model::snapshot::{ApiChange, Delta};
use store::UnitOfWork;
use store::repository::{api, change, revision, subscription, tenant};

use super::{Compiler, consumers};
use crate::{ControlError, Sealer};

/// Scope of a change that may touch any part of the snapshot.
pub(crate) const EVERYTHING: &str = "everything";

/// More entries than this cost as much as the whole snapshot.
const MOST_ENTRIES: u64 = 200;

/// Scope of a change of one API, as it stands in the change log.
pub(crate) fn scope(api: ApiId) -> String {
    format!("api/{api}")
}

impl Compiler {
    /// What a gateway that serves the version `from` has to learn; `None` when that takes the whole snapshot.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn changes(
        &self,
        work: &mut UnitOfWork,
        from: u64,
        sealer: &dyn Sealer,
    ) -> Result<Option<Delta>, ControlError> {
        let to = u64::try_from(change::latest(work).await?).unwrap_or(0);
        let Some(expected) = to.checked_sub(from).filter(|entries| *entries <= MOST_ENTRIES) else { return Ok(None) };
        let (after, limit) = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(MOST_ENTRIES).unwrap_or(0));
        let scopes = change::targets_after(work, after, limit).await?;
        if scopes.len() as u64 != expected {
            // Somebody shortened the log.
            return Ok(None);
        }
        let mut touched = BTreeSet::new();
        for scope in &scopes {
            let Some(id) = scope.strip_prefix("api/").and_then(|id| id.parse::<ApiId>().ok()) else { return Ok(None) };
            touched.insert(id);
        }
        let mut wanted = touched.clone();
        for id in touched {
            // Making one version the default takes that from another.
            wanted.extend(api::version_ids(work, id).await?);
        }
        let mut apis = Vec::with_capacity(wanted.len());
        for id in wanted {
            apis.push(self.change_of(work, id, sealer).await?);
        }
        Ok(Some(Delta { from, to, apis }))
    }

    async fn change_of(
        &self,
        work: &mut UnitOfWork,
        id: ApiId,
        sealer: &dyn Sealer,
    ) -> Result<ApiChange, ControlError> {
        let mut deployed = Vec::new();
        for row in revision::deployments_served(work, id).await? {
            // An inactive tenant has no APIs at the gateway.
            let owner = tenant::by_id(work, row.tenant).await?;
            let active = owner.map_or(row.tenant.is_super(), |owner| owner.tenant.active);
            if active && let Some(compiled) = self.compile_now(work, &row, sealer).await? {
                deployed.push(compiled);
            }
        }
        let subscriptions = subscription::of_api(work, id).await?;
        let subscriptions = subscriptions.into_iter().filter_map(consumers::subscription_of).collect();
        Ok(ApiChange { api: id, deployed, subscriptions })
    }
}
