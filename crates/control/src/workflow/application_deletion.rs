//! The removal of an application.

use serde_json::json;
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};
use store::repository::application_key;

use super::{Decision, Kind, Properties, Wish, WorkflowRule, application_properties, gone, is_approved, park};
use crate::application::delete::remove_clients;
use crate::field::Field;
use crate::{Actor, Control, ControlError, Effect};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_APPLICATION_DELETION",
    element: "ApplicationDeletion",
    executor: "ApplicationDeletion",
    title: "Application deletion",
    properties: Properties::Attributes,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

/// Asks for the removal. One that was never approved keeps its status: `DELETE_PENDING` says that it is served.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    mut row: ApplicationRow,
    rule: &WorkflowRule,
) -> Result<(), ControlError> {
    let description = format!("Approve the removal of the application {} of {}.", row.name, row.owner);
    let wish = Wish {
        kind: &KIND,
        tenant: row.tenant,
        application: Some(row.id),
        api: None,
        subject: ("application", row.id.to_string()),
        description,
        properties: application_properties(&row, rule),
        asked: &json!({"status": row.status}),
    };
    park(control, work, actor, wish).await?;
    if is_approved(&row.status) {
        "DELETE_PENDING".clone_into(&mut row.status);
        row.updated = control.now();
        applications::update(work, &row).await?;
    }
    Ok(())
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let (tenant, id) = (decision.request.tenant, decision.application()?);
    let mut work = decision.open().await?;
    let mut row = applications::find(&mut work, tenant, id).await?.ok_or_else(|| gone("The application"))?;
    if !decision.approved {
        if row.status == "DELETE_PENDING" {
            decision.asked().at("status").as_str().unwrap_or("APPROVED").clone_into(&mut row.status);
            row.updated = decision.control.now();
            applications::update(&mut work, &row).await?;
        }
        return decision.keep(work, Effect::Everything).await;
    }
    let keys = application_key::of_application(&mut work, tenant, id).await?;
    applications::delete(&mut work, tenant, id).await?;
    decision.keep(work, Effect::Everything).await?;
    remove_clients(decision.control, tenant, &keys).await;
    Ok(())
}
