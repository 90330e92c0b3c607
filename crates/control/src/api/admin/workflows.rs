//! Workflows: requests that wait for an administrator.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json as object;
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use crate::api::page::Page;
use crate::workflow::decide as requests;
use crate::{Actor, Control, ControlError};

const VIEW: &[&str] = &["apim:admin", "apim:api_workflow_view"];
const DECIDE: &[&str] = &["apim:admin", "apim:api_workflow_approve"];

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

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let kind = call.query("workflowType").unwrap_or_default();
    Ok(json(StatusCode::OK, &requests::list(&control, &Actor::of(&permit), kind, &page).await?))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let reference = call.path("externalWorkflowRef")?;
    Ok(json(StatusCode::OK, &requests::get(&control, &Actor::of(&permit), reference).await?))
}

/// WSO2's `Workflow`; what it may hold besides is of no use here.
#[derive(Deserialize)]
struct Decision {
    status: String,
    #[serde(default)]
    description: Option<String>,
}

async fn decide(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let reference = call.query("workflowReferenceId").unwrap_or_default();
    let decision: Decision = call.json()?;
    let approved = match decision.status.as_str() {
        "APPROVED" => true,
        "REJECTED" => false,
        _ => return Err(ControlError::invalid("The status is APPROVED or REJECTED.")),
    };
    let note = decision.description.unwrap_or_default();
    control.decide_request(&Actor::of(&permit), reference, approved, &note).await?;
    Ok(json(StatusCode::OK, &object!({"status": decision.status, "attributes": {}, "description": note})))
}
