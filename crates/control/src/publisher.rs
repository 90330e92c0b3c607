//! What the pages of the Publisher need of use cases that REST reaches through this crate.

use model::ApiId;
use serde_json::Value;
use store::repository::{document, revision, subscription};

use crate::api::page::Page;
use crate::environment;
use crate::publishing::load::load;
use crate::subscription::publisher as subscriptions;
use crate::throttling::{Level, portal};
use crate::{Actor, Control, ControlError};

/// What is lost with an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Subscriptions; while there are any, the API cannot be deleted.
    pub subscriptions: u64,
    /// Revisions.
    pub revisions: usize,
    /// Environments it is deployed to.
    pub deployments: usize,
    /// Documents.
    pub documents: usize,
}

impl Control {
    /// What depends on an API.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn holdings(&self, actor: &Actor, id: ApiId) -> Result<Holdings, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        let subscriptions = subscription::count_of_api(&mut work, id).await?;
        Ok(Holdings {
            subscriptions: u64::try_from(subscriptions).unwrap_or_default(),
            revisions: revision::list(&mut work, id).await?.len(),
            deployments: revision::deployments(&mut work, id).await?.len(),
            documents: document::list(&mut work, id).await?.len(),
        })
    }

    /// Subscriptions to an API, WSO2's list, with those whose subscriber has the text in their name.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn subscribers(
        &self,
        actor: &Actor,
        id: ApiId,
        query: &str,
        (limit, offset): (usize, usize),
    ) -> Result<Value, ControlError> {
        subscriptions::list(self, actor, Some(&id.to_string()), query, &Page::numbered(limit, offset)).await
    }

    /// Blocks or unblocks a subscription: `UNBLOCKED`, `BLOCKED` or `PROD_ONLY_BLOCKED`.
    ///
    /// # Errors
    /// 400 for another state; 403, 404.
    pub async fn block_subscription(&self, actor: &Actor, id: &str, state: &str) -> Result<(), ControlError> {
        let action =
            if state == "UNBLOCKED" { "publisher.subscriptions.unblock" } else { "publisher.subscriptions.block" };
        subscriptions::set_state(self, actor, id, state, action).await.map(|_| ())
    }

    /// The gateway environments, `Default` first, as REST lists them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn gateway_environments(&self, actor: &Actor) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        environment::all(self, &mut work, actor.tenant()).await
    }

    /// The business plans that a publisher may offer, with their description; for streaming APIs those that count events.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn business_plans(&self, actor: &Actor, streaming: bool) -> Result<Vec<Value>, ControlError> {
        let mut list = self.limits(actor, Level::Subscription).await?;
        list.retain(|view| (view.get("quotaPolicyType").and_then(Value::as_str) == Some("EVENTCOUNT")) == streaming);
        Ok(list)
    }

    /// The policies that limit an API or a resource for all callers together.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn advanced_policies(&self, actor: &Actor) -> Result<Vec<Value>, ControlError> {
        self.limits(actor, Level::Advanced).await
    }

    async fn limits(&self, actor: &Actor, level: Level) -> Result<Vec<Value>, ControlError> {
        self.ensure_tenant_defaults(actor.tenant()).await?;
        let unlimited = self.settings().portal.unlimited_tier;
        let mut work = self.read().await?;
        // Publishers offer plans to others, so they see all of them.
        Ok(portal::views(&mut work, actor.tenant(), level, |_| true, unlimited).await?)
    }
}
