//! Revisions and deployments.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json as object};
use web::{Answer, Call, Operation, Permit, RestError, RouteTable, created, json};

use super::{CHANGE, VIEW, api_id, flag};
use crate::{Actor, Control, ControlError, DeploymentRequest};

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.revisions.list",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/revisions",
                "List the revisions of an API.",
            ),
            VIEW,
            list,
        )
        .guarded(
            Operation::new(
                "publisher.revisions.create",
                "POST",
                "/api/am/publisher/v4/apis/{apiId}/revisions",
                "Freeze the working copy as a revision.",
            ),
            CHANGE,
            create,
        )
        .guarded(
            Operation::new(
                "publisher.revisions.get",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/revisions/{revisionId}",
                "Read a revision.",
            ),
            VIEW,
            get,
        )
        .guarded(
            Operation::new(
                "publisher.revisions.delete",
                "DELETE",
                "/api/am/publisher/v4/apis/{apiId}/revisions/{revisionId}",
                "Remove a revision that is deployed nowhere.",
            ),
            CHANGE,
            delete,
        )
        .guarded(
            Operation::new(
                "publisher.revisions.deploy",
                "POST",
                "/api/am/publisher/v4/apis/{apiId}/deploy-revision",
                "Deploy a revision to gateway environments.",
            ),
            CHANGE,
            deploy,
        )
        .guarded(
            Operation::new(
                "publisher.revisions.undeploy",
                "POST",
                "/api/am/publisher/v4/apis/{apiId}/undeploy-revision",
                "Take a revision off gateway environments.",
            ),
            CHANGE,
            undeploy,
        )
        .guarded(
            Operation::new(
                "publisher.revisions.restore",
                "POST",
                "/api/am/publisher/v4/apis/{apiId}/restore-revision",
                "Make a revision the working copy again.",
            ),
            CHANGE,
            restore,
        )
        .guarded(
            Operation::new(
                "publisher.apis.deployments",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/deployments",
                "List where an API is deployed.",
            ),
            VIEW,
            deployments,
        )
}

fn list_answer(list: Vec<Value>) -> Answer {
    json(StatusCode::OK, &object!({"count": list.len(), "list": list}))
}

pub(super) async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let deployed = match call.query("query").map(str::trim) {
        Some(q) if q.eq_ignore_ascii_case("deployed:true") => Some(true),
        Some(q) if q.eq_ignore_ascii_case("deployed:false") => Some(false),
        _ => None,
    };
    Ok(list_answer(control.revisions(&Actor::of(&permit), api_id(&call)?, deployed).await?))
}

pub(super) async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let body: Value = if call.body.is_empty() { Value::Null } else { call.json()? };
    let description = body.get("description").and_then(Value::as_str).unwrap_or_default();
    let made = control.create_revision(&Actor::of(&permit), id, description).await?;
    let revision = made.get("id").and_then(Value::as_str).unwrap_or_default();
    Ok(created(&format!("/api/am/publisher/v4/apis/{id}/revisions/{revision}"), &made))
}

pub(super) async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let found = control.revision(&Actor::of(&permit), api_id(&call)?, call.path("revisionId")?).await?;
    Ok(json(StatusCode::OK, &found))
}

pub(super) async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(list_answer(control.delete_revision(&Actor::of(&permit), api_id(&call)?, call.path("revisionId")?).await?))
}

/// The revision that the query names, by id or number.
pub(super) fn revision_of(call: &Call) -> Result<&str, RestError> {
    call.query("revisionId")
        .or_else(|| call.query("revisionNumber"))
        .filter(|r| !r.is_empty())
        .ok_or_else(|| RestError::bad_request("The query parameter revisionId is missing."))
}

fn requests(call: &Call) -> Result<Vec<DeploymentRequest>, RestError> {
    let body: Value = call.json()?;
    let list = body.as_array().ok_or_else(|| RestError::bad_request("The body is a list of deployments."))?;
    list.iter()
        .map(|entry| {
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let environment = text("name");
            if environment.is_empty() {
                return Err(RestError::bad_request("Every deployment needs the name of a gateway environment."));
            }
            Ok(DeploymentRequest {
                environment,
                vhost: text("vhost"),
                display_on_devportal: entry.get("displayOnDevportal").and_then(Value::as_bool).unwrap_or(true),
            })
        })
        .collect()
}

pub(super) async fn deploy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let made = control.deploy_revision(&Actor::of(&permit), id, revision_of(&call)?, &requests(&call)?).await?;
    Ok(json(StatusCode::CREATED, &made))
}

pub(super) async fn undeploy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = api_id(&call)?;
    let everywhere = flag(&call, "allEnvironments", false) || call.body.is_empty();
    let names: Vec<String> =
        if everywhere { Vec::new() } else { requests(&call)?.into_iter().map(|r| r.environment).collect() };
    let left = control.undeploy_revision(&Actor::of(&permit), id, revision_of(&call)?, &names).await?;
    Ok(json(StatusCode::CREATED, &left))
}

async fn restore(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let restored = control.restore_revision(&Actor::of(&permit), api_id(&call)?, revision_of(&call)?).await?;
    Ok(json(StatusCode::CREATED, &restored))
}

pub(super) async fn deployments(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(list_answer(control.deployments(&Actor::of(&permit), api_id(&call)?).await?))
}
