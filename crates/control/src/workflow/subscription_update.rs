//! Another plan of a subscription; the present one counts until it is approved.

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::subscription as subscriptions;

use super::subscription_creation::{Parties, found, wish};
use super::{Decision, Kind, Properties, park, update_entry};
use crate::field::Field;
use crate::{Actor, Control, ControlError, Effect};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_SUBSCRIPTION_UPDATE",
    element: "SubscriptionUpdate",
    executor: "SubscriptionUpdate",
    title: "Change of the subscription",
    properties: Properties::None,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

/// Asks for the plan.
///
/// # Errors
/// 409 while a change of the subscription is asked for.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    parties: Parties<'_>,
    plan: &str,
) -> Result<(), ControlError> {
    super::refuse_while_waiting(work, &KIND, &parties.row.id.to_string()).await?;
    let updates: Vec<Value> = update_entry("Subscription Tier", &parties.row.plan, plan).into_iter().collect();
    let updates = json!(Value::Array(updates).to_string());
    let asked = json!({"plan": plan});
    let wish = wish(&KIND, parties, "moves to another plan", Some(("updates", updates)), &asked);
    park(control, work, actor, wish).await.map(|_| ())
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let mut work = decision.open().await?;
    let mut row = found(&mut work, decision).await?;
    if decision.approved {
        decision.asked().at("plan").as_str().unwrap_or_default().clone_into(&mut row.plan);
    }
    row.requested_plan.clone_from(&row.plan);
    // Its publisher may have blocked it since; that stays.
    if row.status == "TIER_UPDATE_PENDING" {
        "UNBLOCKED".clone_into(&mut row.status);
    }
    subscriptions::update(&mut work, &row).await?;
    decision.keep(work, Effect::Api(row.api)).await
}
