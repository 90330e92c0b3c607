//! Workflows: everything is approved at once, so no request ever waits for a decision.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, json};

use crate::api::page::Page;
use crate::{Control, ControlError};

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

fn none(reference: &str) -> ControlError {
    ControlError::not_found(format!("No request with the reference {reference:?} waits for a decision."))
}

async fn list(_: Arc<Control>, _: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &Page::of(&call)?.answer(Vec::new())))
}

async fn get(_: Arc<Control>, _: Permit, call: Call) -> Result<Answer, ControlError> {
    Err(none(call.path("externalWorkflowRef")?))
}

async fn decide(_: Arc<Control>, _: Permit, call: Call) -> Result<Answer, ControlError> {
    Err(none(call.query("workflowReferenceId").unwrap_or_default()))
}
