//! What changed between two snapshots.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::{DeployedApi, Subscription};
use crate::ApiId;

/// A change of single APIs. It is worth what a whole snapshot is worth, to whoever serves the snapshot `from`; anybody else
/// needs the whole one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delta {
    /// Version it changes.
    pub from: u64,
    /// Version it leads to.
    pub to: u64,
    /// The changed APIs, each once.
    pub apis: Vec<ApiChange>,
}

/// All that a snapshot says of one API after a change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiChange {
    /// Which API.
    pub api: ApiId,
    /// Its deployments, as in [`super::Snapshot::apis`]; empty when it is served no longer.
    pub deployed: Vec<Arc<DeployedApi>>,
    /// Its subscriptions, as in [`super::Snapshot::subscriptions`].
    pub subscriptions: Vec<Subscription>,
}
