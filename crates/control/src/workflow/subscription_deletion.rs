//! The end of a subscription.

use serde_json::Value;
use store::UnitOfWork;
use store::repository::subscription as subscriptions;

use super::subscription_creation::{Parties, found, wish};
use super::{Decision, Kind, Properties, park};
use crate::{Actor, Control, ControlError, Effect};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_SUBSCRIPTION_DELETION",
    element: "SubscriptionDeletion",
    executor: "SubscriptionDeletion",
    title: "End of the subscription",
    properties: Properties::None,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

/// Asks for the end.
///
/// # Errors
/// 409 while it is asked for.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    parties: Parties<'_>,
) -> Result<(), ControlError> {
    super::refuse_while_waiting(work, &KIND, &parties.row.id.to_string()).await?;
    park(control, work, actor, wish(&KIND, parties, "ends", None, &Value::Null)).await.map(|_| ())
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let mut work = decision.open().await?;
    let mut row = found(&mut work, decision).await?;
    if decision.approved {
        // Who was blocked meanwhile must not get rid of it by ending and beginning again.
        if matches!(row.status.as_str(), "BLOCKED" | "PROD_ONLY_BLOCKED") {
            return Err(ControlError::conflict("The subscription was blocked meanwhile. Lift the block, or reject."));
        }
        subscriptions::delete(&mut work, row.id).await?;
    } else if row.status == "DELETE_PENDING" {
        "UNBLOCKED".clone_into(&mut row.status);
        subscriptions::update(&mut work, &row).await?;
    }
    decision.keep(work, Effect::Api(row.api)).await
}
