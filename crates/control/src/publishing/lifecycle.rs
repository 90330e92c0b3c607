//! Changing the lifecycle state of an API.

use model::snapshot::Lifecycle;
use model::{ApiDocument, ApiId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow, LifecycleEventRow};
use store::repository::{revision, subscription};

use super::load::{load, parse};
use crate::document::is_streaming;
use crate::governance::admission;
use crate::lifecycle::{Transition, code, find, label, transitions};
use crate::workflow::api_state;
use crate::{Actor, Change, Control, ControlError, FaultKind, lifecycle};

/// WSO2's two check list items, named as its clients send them.
const DEPRECATE_OLD: &str = "Deprecate old versions after publishing the API";
const REQUIRE_RESUBSCRIPTION: &str = "Requires re-subscription when publishing the API";

/// What else shall happen when an API is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifecycleOptions {
    /// Older published versions become deprecated.
    pub deprecate_old_versions: bool,
    /// Subscriptions of older versions are not carried over.
    pub require_resubscription: bool,
}

impl LifecycleOptions {
    /// Reads `Deprecate old versions after publishing the API:true,Requires re-subscription ...:false`.
    ///
    /// # Errors
    /// 400 naming the entry that is unknown.
    pub fn parse(checklist: &str) -> Result<Self, ControlError> {
        let mut options = Self::default();
        for entry in checklist.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            let (name, value) = entry.rsplit_once(':').unwrap_or((entry, "true"));
            let on = value.trim().eq_ignore_ascii_case("true");
            match name.trim().to_lowercase() {
                n if n == DEPRECATE_OLD.to_lowercase() || n == "deprecate old versions" => {
                    options.deprecate_old_versions = on;
                }
                n if n == REQUIRE_RESUBSCRIPTION.to_lowercase()
                    || n == "require re-subscription"
                    || n == "requires re-subscription" =>
                {
                    options.require_resubscription = on;
                }
                _ => return Err(ControlError::invalid(format!("lifecycleChecklist: {name:?} is unknown."))),
            }
        }
        Ok(options)
    }
}

/// What became of a lifecycle action.
#[derive(Clone, Debug)]
pub struct LifecycleChange {
    /// The state afterwards, as [`Control::lifecycle_state`] says it.
    pub state: Value,
    /// Whether the action waits for an administrator; nothing has changed then.
    pub waits: bool,
}

impl Control {
    /// Carries out a lifecycle action, or asks for it where the tenant wants that.
    ///
    /// # Errors
    /// 400 when the action is not allowed in the present state or something that it needs is missing; 403, 404; 409 while
    /// an action is asked for.
    pub async fn change_lifecycle(
        &self,
        actor: &Actor,
        id: ApiId,
        action: &str,
        options: LifecycleOptions,
    ) -> Result<LifecycleChange, ControlError> {
        let mut work = self.begin().await?;
        let mut row = load(&mut work, actor, id).await?;
        let transition = self.permitted(&mut work, &row, action).await?;
        if api_state::ask(self, &mut work, actor, &row, (transition.event, options)).await? {
            work.save().await?;
            return Ok(LifecycleChange { state: state_object(&row)?, waits: true });
        }
        self.move_on(&mut work, actor, &mut row, (action, options)).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::of_api("publisher.apis.change-lifecycle", &target, id)).await?;
        Ok(LifecycleChange { state: state_object(&row)?, waits: false })
    }

    /// The transition that an action stands for, if the API may make it now and governance lets it.
    async fn permitted(&self, work: &mut UnitOfWork, row: &ApiRow, action: &str) -> Result<Transition, ControlError> {
        let transition = allowed(row, action)?;
        if transition.target == Lifecycle::Published {
            admission::admit(self, work, row, "API_PUBLISH").await?;
        }
        Ok(transition)
    }

    /// Carries out a lifecycle action in a transaction.
    pub(crate) async fn move_on(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &mut ApiRow,
        (action, options): (&str, LifecycleOptions),
    ) -> Result<(), ControlError> {
        let transition = self.permitted(work, row, action).await?;
        self.enter_state(work, actor, row, transition.target).await?;
        if transition.target == Lifecycle::Published && transition.event == "Publish" {
            self.after_publishing(work, actor, row, options).await?;
        }
        Ok(())
    }

    /// Withdraws a lifecycle action that is asked for.
    ///
    /// # Errors
    /// 404 when none is; 403, 404.
    pub async fn withdraw_lifecycle_request(&self, actor: &Actor, id: ApiId) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        let row = load(&mut work, actor, id).await?;
        if !api_state::withdraw(&mut work, &row).await? {
            return Err(ControlError::not_found("No lifecycle action of this API waits for an administrator."));
        }
        let target = format!("api/{id}");
        self.commit(work, actor, Change::managed("publisher.apis.withdraw-lifecycle", &target)).await
    }

    /// Whether a lifecycle action of an API waits for an administrator.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn lifecycle_waits(&self, actor: &Actor, id: ApiId) -> Result<bool, ControlError> {
        let mut work = self.read().await?;
        let row = load(&mut work, actor, id).await?;
        api_state::waits(&mut work, &row).await
    }

    /// Writes the new state and its history entry; states without a place on the gateway lose their deployments.
    pub(super) async fn enter_state(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &mut ApiRow,
        target: Lifecycle,
    ) -> Result<(), ControlError> {
        let now = self.now();
        let event = LifecycleEventRow {
            id: self.rng().uuid_at(now).to_string(),
            previous: Some(row.lifecycle.clone()),
            next: code(target).to_owned(),
            changed_by: actor.name(),
            at: now,
        };
        api::add_event(work, row.id, &event).await?;
        let mut document = parse(row)?;
        document.set("lifeCycleStatus", code(target));
        code(target).clone_into(&mut row.lifecycle);
        super::load::store_document(row, &document)?;
        row.updated_at = now;
        row.updated_by = actor.name();
        api::update(work, row).await?;
        if target == Lifecycle::Retired {
            // As in WSO2: what is retired has no subscribers.
            for subscribed in subscription::of_api(work, row.id).await? {
                subscription::delete(work, subscribed.id).await?;
            }
        }
        if matches!(target, Lifecycle::Created | Lifecycle::Retired) {
            for deployment in revision::deployments(work, row.id).await? {
                revision::undeploy(work, row.id, &deployment.environment).await?;
            }
        }
        Ok(())
    }

    /// Older versions: deprecated if asked for, and their subscriptions carried over unless they shall not be.
    async fn after_publishing(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &ApiRow,
        options: LifecycleOptions,
    ) -> Result<(), ControlError> {
        let older: Vec<ApiRow> = api::versions(work, row.tenant, &row.name)
            .await?
            .into_iter()
            .filter(|v| v.id != row.id && v.created_at <= row.created_at && v.provider == row.provider)
            .collect();
        if options.require_resubscription {
            // Copies of an older version's subscriptions were made with the version; now they must be asked for.
            for copied in subscription::of_api(work, row.id).await? {
                subscription::delete(work, copied.id).await?;
            }
        }
        for mut version in older {
            if options.deprecate_old_versions && state_of(&version)? == Lifecycle::Published {
                self.enter_state(work, actor, &mut version, Lifecycle::Deprecated).await?;
                let target = format!("api/{}", version.id);
                self.record(work, actor, Change::of_api("publisher.apis.change-lifecycle", &target, version.id))
                    .await?;
            }
        }
        Ok(())
    }

    /// The state with the actions it allows.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn lifecycle_state(&self, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        state_object(&load(&mut work, actor, id).await?)
    }

    /// All state changes, oldest first.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn lifecycle_history(&self, actor: &Actor, id: ApiId) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        Ok(api::events(&mut work, id)
            .await?
            .iter()
            .map(|event| {
                json!({
                    "previousState": event.previous,
                    "postState": event.next,
                    "user": event.changed_by,
                    "updatedTime": event.at.rfc3339(),
                })
            })
            .collect())
    }
}

/// The transition that an action stands for, if the API may make it now.
fn allowed(row: &ApiRow, action: &str) -> Result<Transition, ControlError> {
    let state = state_of(row)?;
    let transition = find(state, action).ok_or_else(|| {
        ControlError::new(
            FaultKind::Invalid,
            900_381,
            "Unsupported state change action",
            format!(
                "Lifecycle state change action {action} is not allowed in state {}. Allowed: {}",
                label(state),
                transitions(state).iter().map(|t| t.event).collect::<Vec<_>>().join(", ")
            ),
        )
    })?;
    if transition.target == Lifecycle::Published {
        check_publishable(row)?;
    }
    Ok(transition)
}

pub(super) fn state_of(row: &ApiRow) -> Result<Lifecycle, ControlError> {
    lifecycle::parse(&row.lifecycle)
        .ok_or_else(|| ControlError::internal(format!("API {} has the unknown state {}", row.id, row.lifecycle)))
}

/// An API that consumers have already and that is left without any plan is open to every application, without a
/// subscription: it says so by WSO2's plan for that.
pub(super) fn go_without_plan(row: &ApiRow, document: &mut ApiDocument) {
    let early = matches!(row.lifecycle.as_str(), "CREATED" | "PROTOTYPED");
    if !early && document.plans().is_empty() && needs_plan(document) {
        let plan =
            if is_streaming(document.kind()) { "AsyncDefaultSubscriptionless" } else { "DefaultSubscriptionless" };
        document.set("policies", vec![Value::from(plan)]);
    }
}

/// What an API needs before consumers may have it.
pub(super) fn check_publishable(row: &ApiRow) -> Result<(), ControlError> {
    let document = parse(row)?;
    let advertised = document.get("advertiseInfo").and_then(|a| a.get("advertised")?.as_bool()).unwrap_or(false);
    if !advertised && !has_endpoint(&document) {
        return Err(ControlError::new(
            FaultKind::Invalid,
            903_223,
            "Failed to publish service to API store. No endpoint selected",
            format!("No endpoint selected for API with UUID {}", row.id),
        ));
    }
    if !advertised && document.plans().is_empty() && needs_plan(&document) {
        return Err(ControlError::new(
            FaultKind::Invalid,
            903_224,
            "Failed to publish service to API store. No Tiers selected",
            format!("No Tiers selected for API with UUID {}", row.id),
        ));
    }
    Ok(())
}

fn has_endpoint(document: &ApiDocument) -> bool {
    if document.kind() == "WEBSUB"
        || document.kind() == super::products::KIND
        || document.text("endpointImplementationType") != "ENDPOINT"
    {
        return true;
    }
    document.get("endpointConfig").and_then(Value::as_object).is_some_and(|c| !c.is_empty())
}

/// An API that only client certificates open needs no plan.
fn needs_plan(document: &ApiDocument) -> bool {
    let schemes = document.texts("securityScheme");
    schemes.is_empty() || schemes.iter().any(|s| matches!(*s, "oauth2" | "api_key" | "basic_auth"))
}

fn state_object(row: &ApiRow) -> Result<Value, ControlError> {
    let state = state_of(row)?;
    let available: Vec<Value> =
        transitions(state).iter().map(|t| json!({"event": t.event, "targetState": label(t.target)})).collect();
    let items: Vec<Value> = if matches!(state, Lifecycle::Created | Lifecycle::Prototyped) {
        [DEPRECATE_OLD, REQUIRE_RESUBSCRIPTION]
            .iter()
            .map(|name| json!({"name": name, "value": false, "requiredStates": []}))
            .collect()
    } else {
        Vec::new()
    };
    Ok(json!({"state": label(state), "checkItems": items, "availableTransitions": available}))
}
