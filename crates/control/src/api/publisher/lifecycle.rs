//! Lifecycle of APIs.

use std::sync::Arc;

use http::StatusCode;
use model::ApiId;
use serde_json::json as object;
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, json, no_content};

use super::{PUBLISH, VIEW, api_id, query_id};
use crate::{Actor, Control, ControlError, LifecycleOptions};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.apis.change-lifecycle",
                "POST",
                "/api/am/publisher/v4/apis/change-lifecycle",
                "Carry out a lifecycle action.",
            ),
            PUBLISH,
            change,
        )
        .guarded(
            Operation::new(
                "publisher.apis.lifecycle-state",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/lifecycle-state",
                "Read the lifecycle state with the actions it allows.",
            ),
            VIEW,
            state,
        )
        .guarded(
            Operation::new(
                "publisher.apis.lifecycle-history",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/lifecycle-history",
                "List all lifecycle changes.",
            ),
            VIEW,
            history,
        )
        .guarded(
            Operation::new(
                "publisher.apis.withdraw-lifecycle",
                "DELETE",
                "/api/am/publisher/v4/apis/{apiId}/lifecycle-state/pending-tasks",
                "Withdraw a lifecycle action that waits for an administrator.",
            ),
            PUBLISH,
            withdraw,
        )
}

pub(super) async fn withdraw(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    control.withdraw_lifecycle_request(&Actor::of(&permit), api_id(&call)?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn change(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    change_of(&control, &permit, &call, query_id(&call, "apiId")?).await
}

/// Carries out the action that the query names.
pub(super) async fn change_of(
    control: &Control,
    permit: &Permit,
    call: &Call,
    id: ApiId,
) -> Result<Answer, ControlError> {
    let action =
        call.query("action").ok_or_else(|| RestError::bad_request("The query parameter action is missing."))?;
    let options = LifecycleOptions::parse(call.query("lifecycleChecklist").unwrap_or_default())?;
    let change = control.change_lifecycle(&Actor::of(permit), id, action, options).await?;
    let status = if change.waits { "CREATED" } else { "APPROVED" };
    let answer = object!({"workflowStatus": status, "jsonPayload": null, "lifecycleState": change.state});
    Ok(json(StatusCode::OK, &answer))
}

pub(super) async fn state(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &control.lifecycle_state(&Actor::of(&permit), api_id(&call)?).await?))
}

pub(super) async fn history(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let list = control.lifecycle_history(&Actor::of(&permit), api_id(&call)?).await?;
    Ok(json(StatusCode::OK, &object!({"count": list.len(), "list": list})))
}
