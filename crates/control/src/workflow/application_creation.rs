//! A new application.

use serde_json::Value;
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};

use super::{Decision, Kind, Properties, Wish, WorkflowRule, application_properties, gone, park};
use crate::{Actor, Control, ControlError, Effect};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_APPLICATION_CREATION",
    element: "ApplicationCreation",
    executor: "ApplicationCreation",
    title: "Application creation",
    properties: Properties::Attributes,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

/// Asks for an application that has the status `CREATED`; a former request for it is replaced, because the
/// administrator must see what they decide about.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    row: &ApplicationRow,
    rule: &WorkflowRule,
) -> Result<(), ControlError> {
    let subject = row.id.to_string();
    store::repository::workflow::forget(work, &subject, Some(KIND.code)).await?;
    let description = format!("Approve the application {} of {} with the policy {}.", row.name, row.owner, row.policy);
    let wish = Wish {
        kind: &KIND,
        tenant: row.tenant,
        application: Some(row.id),
        api: None,
        subject: ("application", subject),
        description,
        properties: application_properties(row, rule),
        asked: &Value::Null,
    };
    park(control, work, actor, wish).await.map(|_| ())
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let mut work = decision.open().await?;
    let found = applications::find(&mut work, decision.request.tenant, decision.application()?).await?;
    let mut row = found.ok_or_else(|| gone("The application"))?;
    (if decision.approved { "APPROVED" } else { "REJECTED" }).clone_into(&mut row.status);
    row.updated = decision.control.now();
    applications::update(&mut work, &row).await?;
    decision.keep(work, Effect::Everything).await
}
