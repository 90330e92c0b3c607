//! Workflows: requests that wait for an administrator. Accounts that people make themselves wait here when that is
//! configured; everything else is approved at once.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json as object};
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use crate::api::page::Page;
use crate::{Control, ControlError, PendingApproval};

const VIEW: &[&str] = &["apim:admin", "apim:api_workflow_view"];
const DECIDE: &[&str] = &["apim:admin", "apim:api_workflow_approve"];
/// WSO2's word for requests of people who want an account.
const SIGN_UP: &str = "AM_USER_SIGNUP";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new("admin.workflows.list", "GET", "/api/am/admin/v4/workflows", "List pending requests"),
            VIEW,
            list,
        )
        .guarded(
            Operation::new(
                "admin.workflows.get",
                "GET",
                "/api/am/admin/v4/workflows/{externalWorkflowRef}",
                "Read a pending request",
            ),
            VIEW,
            get,
        )
        .guarded(
            Operation::new(
                "admin.workflows.decide",
                "POST",
                "/api/am/admin/v4/workflows/update-workflow-status",
                "Approve or reject a pending request",
            ),
            DECIDE,
            decide,
        )
}

fn none(reference: &str) -> ControlError {
    ControlError::not_found(format!("No request with the reference {reference:?} waits for a decision."))
}

fn described(pending: &PendingApproval) -> Value {
    let time = pending.created_at.rfc3339();
    object!({
        "workflowType": SIGN_UP,
        "workflowStatus": "CREATED",
        "createdTime": time,
        "updatedTime": time,
        "referenceId": pending.id,
        "properties": {"username": pending.name, "email": pending.email},
        "description": format!("Approve the account {} of {}", pending.name, pending.email),
    })
}

async fn waiting(control: &Control, permit: &Permit) -> Result<Vec<PendingApproval>, ControlError> {
    match control.approvals() {
        Some(port) => port.list(permit.tenant()).await,
        None => Ok(Vec::new()),
    }
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let wanted = call.query("workflowType").is_none_or(|kind| kind.is_empty() || kind == SIGN_UP);
    let found = if wanted { waiting(&control, &permit).await? } else { Vec::new() };
    Ok(json(StatusCode::OK, &page.answer(found.iter().map(described).collect())))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let reference = call.path("externalWorkflowRef")?;
    let found = waiting(&control, &permit).await?;
    let pending = found.iter().find(|p| p.id == reference).ok_or_else(|| none(reference))?;
    Ok(json(StatusCode::OK, &described(pending)))
}

/// WSO2's `Workflow`; what it may hold besides is of no use here.
#[derive(Deserialize)]
struct Decision {
    status: String,
}

async fn decide(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let reference = call.query("workflowReferenceId").unwrap_or_default();
    let decision: Decision = call.json()?;
    let approved = match decision.status.as_str() {
        "APPROVED" => true,
        "REJECTED" => false,
        _ => return Err(ControlError::invalid("The status is APPROVED or REJECTED.")),
    };
    let port = control.approvals().ok_or_else(|| none(reference))?;
    port.decide(permit.tenant(), &permit.principal().display_name(), reference, approved).await?;
    Ok(json(StatusCode::OK, &object!({"status": decision.status, "attributes": {}, "description": ""})))
}
