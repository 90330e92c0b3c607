//! A new subscription, which is on hold until it is approved.

use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::api::ApiRow;
use store::repository::application::{self as applications, ApplicationRow};
use store::repository::subscription::{self as subscriptions, SubscriptionRow};

use super::{Decision, Kind, Properties, Wish, gone, is_approved, park};
use crate::{Actor, Control, ControlError, Effect};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_SUBSCRIPTION_CREATION",
    element: "SubscriptionCreation",
    executor: "SubscriptionCreation",
    title: "Subscription",
    properties: Properties::None,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

/// What a request about a subscription is about.
#[derive(Clone, Copy)]
pub(crate) struct Parties<'a> {
    /// The subscription.
    pub(crate) row: &'a SubscriptionRow,
    /// Its application.
    pub(crate) application: &'a ApplicationRow,
    /// Its API, whose tenant decides.
    pub(crate) api: &'a ApiRow,
}

/// The wish about a subscription. The tenant of the API decides, as in WSO2.
pub(super) fn wish<'a>(
    kind: &'static Kind,
    parties: Parties<'_>,
    verb: &str,
    more: Option<(&str, Value)>,
    asked: &'a Value,
) -> Wish<'a> {
    let Parties { row, application, api } = parties;
    let mut properties = Map::new();
    properties.insert("apiName".into(), json!(api.name));
    properties.insert("apiVersion".into(), json!(api.version));
    properties.insert("applicationName".into(), json!(application.name));
    properties.insert("subscriber".into(), json!(row.subscriber));
    properties.insert("subscriptionTier".into(), json!(row.plan));
    properties.extend(more.map(|(name, value)| (name.to_owned(), value)));
    let description = format!(
        "Approve that {} {verb} the subscription of the application {} to {} {}.",
        row.subscriber, application.name, api.name, api.version
    );
    Wish {
        kind,
        tenant: api.tenant,
        application: Some(row.application),
        api: Some(row.api),
        subject: ("subscription", row.id.to_string()),
        description,
        properties,
        asked,
    }
}

/// Asks for a subscription that is on hold.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    parties: Parties<'_>,
) -> Result<(), ControlError> {
    park(control, work, actor, wish(&KIND, parties, "makes", None, &Value::Null)).await.map(|_| ())
}

/// The subscription that a request is about.
pub(super) async fn found(work: &mut UnitOfWork, decision: &Decision<'_>) -> Result<SubscriptionRow, ControlError> {
    subscriptions::find(work, decision.subject()?).await?.ok_or_else(|| gone("The subscription"))
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let mut work = decision.open().await?;
    let mut row = found(&mut work, decision).await?;
    if decision.approved {
        let application = applications::find(&mut work, row.tenant, row.application).await?;
        let application = application.ok_or_else(|| gone("The application"))?;
        if !is_approved(&application.status) {
            return Err(ControlError::conflict(format!(
                "The application {} is not approved itself. Decide about it first.",
                application.name
            )));
        }
    }
    if row.status == "ON_HOLD" {
        (if decision.approved { "UNBLOCKED" } else { "REJECTED" }).clone_into(&mut row.status);
        subscriptions::update(&mut work, &row).await?;
    }
    decision.keep(work, Effect::Api(row.api)).await
}
