//! What a consumer does with applications, keys and subscriptions.

use std::sync::Arc;

use model::{ApiId, ApplicationId, KeyMappingId, SubscriptionId};
use serde_json::{Value, json};
use web::Permit;

use super::Part;
use crate::application::{self, api_keys, keys, secrets, token};
use crate::subscription::consumer as subscriptions;
use crate::throttling::{Level, portal};
use crate::{Actor, ApplicationAttribute, Control, ControlError};

/// A person with applications of their own.
pub struct Consumer {
    control: Arc<Control>,
    actor: Actor,
}

impl Consumer {
    /// The person of a page; gives those who come for the first time their first application.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn of(control: &Arc<Control>, permit: &Permit) -> Result<Self, ControlError> {
        let actor = super::consumer(control, permit).await?;
        Ok(Self { control: Arc::clone(control), actor })
    }

    /// Custom attributes that applications have here.
    pub fn attributes(&self) -> &[ApplicationAttribute] {
        &self.control.settings().portal.application_attributes
    }

    /// Grant types that clients can have.
    pub fn grant_types(&self) -> &[String] {
        &self.control.settings().portal.grant_types
    }

    /// Policies that applications can choose.
    ///
    /// # Errors
    /// When the database cannot be read, as for all operations of a consumer.
    pub async fn policies(&self) -> Result<Vec<Value>, ControlError> {
        let mut work = self.control.read().await?;
        let unlimited = self.control.settings().portal.unlimited_tier;
        let has_role = |role: &str| self.actor.has_role(role);
        Ok(portal::views(&mut work, self.actor.tenant(), Level::Application, has_role, unlimited).await?)
    }

    /// The consumer's applications by name.
    ///
    /// # Errors
    /// As [`Consumer::policies`].
    pub async fn applications(&self, part: Part) -> Result<Value, ControlError> {
        application::list::list(&self.control, &self.actor, &part.page(), "", false).await
    }

    /// One of them.
    ///
    /// # Errors
    /// 404 also for somebody else's, as everywhere below.
    pub async fn application(&self, id: ApplicationId) -> Result<Value, ControlError> {
        application::list::get(&self.control, &self.actor, id, None).await
    }

    /// Makes one.
    ///
    /// # Errors
    /// 400 for what is wrong with it, 409 for a name in use and at the cap.
    pub async fn create(&self, input: &Value) -> Result<Value, ControlError> {
        application::create::create(&self.control, &self.actor, input).await
    }

    /// Changes one.
    ///
    /// # Errors
    /// As [`Consumer::create`].
    pub async fn update(&self, id: ApplicationId, input: &Value) -> Result<Value, ControlError> {
        application::update::update(&self.control, &self.actor, id, input).await
    }

    /// Removes one with its keys and subscriptions. Returns whether that waits for an administrator.
    ///
    /// # Errors
    /// 403 while a publisher blocks one of its subscriptions.
    pub async fn delete(&self, id: ApplicationId) -> Result<bool, ControlError> {
        application::delete::delete(&self.control, &self.actor, id).await
    }

    /// Its OAuth keys, without secrets.
    ///
    /// # Errors
    /// 404 for the application.
    pub async fn keys(&self, id: ApplicationId) -> Result<Value, ControlError> {
        keys::list(&self.control, &self.actor, id).await
    }

    /// Makes OAuth keys of a type; the only answer that holds the secret.
    ///
    /// # Errors
    /// 400 for what is wrong with them, 409 when there are some of this type.
    pub async fn generate_keys(&self, id: ApplicationId, input: &Value) -> Result<Value, ControlError> {
        keys::generate(&self.control, &self.actor, id, input).await
    }

    /// Changes grant types and callback.
    ///
    /// # Errors
    /// 400 for what is wrong with them.
    pub async fn update_keys(
        &self,
        id: ApplicationId,
        keys_id: KeyMappingId,
        input: &Value,
    ) -> Result<(), ControlError> {
        keys::update(&self.control, &self.actor, id, keys_id, input).await.map(|_| ())
    }

    /// Removes OAuth keys; their tokens end.
    ///
    /// # Errors
    /// 404 for application or keys.
    pub async fn remove_keys(&self, id: ApplicationId, keys_id: KeyMappingId) -> Result<(), ControlError> {
        keys::remove(&self.control, &self.actor, id, keys_id).await
    }

    /// Replaces all secrets of a client by a new one, which only this answer holds.
    ///
    /// # Errors
    /// 400 for a client of another key manager.
    pub async fn regenerate_secret(&self, id: ApplicationId, keys_id: KeyMappingId) -> Result<Value, ControlError> {
        secrets::regenerate(&self.control, &self.actor, id, keys_id).await
    }

    /// Issues an access token, which only this answer holds.
    ///
    /// # Errors
    /// 400 for a client of another key manager.
    pub async fn token(&self, id: ApplicationId, keys_id: KeyMappingId, input: &Value) -> Result<Value, ControlError> {
        token::generate(&self.control, &self.actor, id, keys_id, input).await
    }

    /// API keys of a type, without their values.
    ///
    /// # Errors
    /// 404 for the application.
    pub async fn api_keys(&self, id: ApplicationId, kind: &str) -> Result<Value, ControlError> {
        api_keys::list(&self.control, &self.actor, id, kind).await
    }

    /// Makes an API key, which only this answer holds.
    ///
    /// # Errors
    /// 400 for what is wrong with it, 409 at the cap.
    pub async fn generate_api_key(&self, id: ApplicationId, kind: &str, input: &Value) -> Result<Value, ControlError> {
        api_keys::generate(&self.control, &self.actor, id, kind, input).await
    }

    /// Revokes an API key.
    ///
    /// # Errors
    /// 404 for the application.
    pub async fn revoke_api_key(&self, id: ApplicationId, kind: &str, key: &str) -> Result<(), ControlError> {
        api_keys::revoke(&self.control, &self.actor, id, kind, &json!({"keyUUID": key})).await
    }

    /// Subscriptions of an application.
    ///
    /// # Errors
    /// 404 for the application.
    pub async fn subscriptions(&self, id: ApplicationId) -> Result<Value, ControlError> {
        subscriptions::list(&self.control, &self.actor, (Some(&id.to_string()), None), None, &Part::ALL.page()).await
    }

    /// Subscriptions of all applications of the consumer to an API.
    ///
    /// # Errors
    /// As [`Consumer::policies`].
    pub async fn subscriptions_to(&self, api: ApiId) -> Result<Value, ControlError> {
        subscriptions::list(&self.control, &self.actor, (None, Some(&api.to_string())), None, &Part::ALL.page()).await
    }

    /// One subscription.
    ///
    /// # Errors
    /// 404 also for somebody else's.
    pub async fn subscription(&self, id: SubscriptionId) -> Result<Value, ControlError> {
        subscriptions::get(&self.control, &self.actor, id).await
    }

    /// Subscribes. `tenant` is the domain of the API's tenant where it is another one.
    ///
    /// # Errors
    /// 403 for a plan or an API that this consumer may not have, 409 when subscribed already.
    pub async fn subscribe(&self, tenant: Option<&str>, input: &Value) -> Result<Value, ControlError> {
        subscriptions::create(&self.control, &self.actor, tenant, input).await
    }

    /// Moves a subscription to another plan.
    ///
    /// # Errors
    /// As [`Consumer::subscribe`].
    pub async fn change_plan(&self, tenant: Option<&str>, id: SubscriptionId, plan: &str) -> Result<(), ControlError> {
        let input = json!({"requestedThrottlingPolicy": plan});
        subscriptions::update(&self.control, &self.actor, tenant, id, &input).await.map(|_| ())
    }

    /// Ends a subscription. Returns whether that waits for an administrator.
    ///
    /// # Errors
    /// 403 while its publisher blocks it.
    pub async fn unsubscribe(&self, id: SubscriptionId) -> Result<bool, ControlError> {
        Ok(subscriptions::delete(&self.control, &self.actor, id).await?.is_some())
    }
}
