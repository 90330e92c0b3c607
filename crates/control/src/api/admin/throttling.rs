//! Throttling policies.

use std::sync::Arc;

use http::StatusCode;
use model::PolicyId;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::actor;
use crate::field::Field;
use crate::throttling::{Level, exchange, manage};
use crate::{Control, ControlError};

const VIEW: &[&str] = &["apim:admin", "apim:tier_view"];
const MANAGE: &[&str] = &["apim:admin", "apim:tier_manage"];
const EXCHANGE: &[&str] = &["apim:admin", "apim:policies_import_export", "apim:tier_manage"];
const PATH: &str = "/api/am/admin/v4/throttling/policies/{level}";
const ONE: &str = "/api/am/admin/v4/throttling/policies/{level}/{policyId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "admin.throttling.search",
                "GET",
                "/api/am/admin/v4/throttling/policies/search",
                "Find throttling policies of all levels",
            ),
            VIEW,
            search,
        )
        .guarded(
            Operation::new(
                "admin.throttling.export",
                "GET",
                "/api/am/admin/v4/throttling/policies/export",
                "Export a throttling policy",
            ),
            EXCHANGE,
            export,
        )
        .guarded(
            Operation::new(
                "admin.throttling.import",
                "POST",
                "/api/am/admin/v4/throttling/policies/import",
                "Import a throttling policy",
            ),
            EXCHANGE,
            import,
        )
        .guarded(Operation::new("admin.throttling.list", "GET", PATH, "List the policies of a level"), VIEW, list)
        .guarded(Operation::new("admin.throttling.create", "POST", PATH, "Add a policy"), MANAGE, create)
        .guarded(Operation::new("admin.throttling.get", "GET", ONE, "Read a policy"), VIEW, get)
        .guarded(Operation::new("admin.throttling.update", "PUT", ONE, "Replace a policy"), MANAGE, update)
        .guarded(Operation::new("admin.throttling.delete", "DELETE", ONE, "Remove a policy"), MANAGE, delete)
}

fn level(call: &Call) -> Result<Level, ControlError> {
    let text = call.path("level")?;
    Level::parse(text).ok_or_else(|| ControlError::not_found("Levels are application, subscription, advanced, custom."))
}

async fn search(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &manage::search(&control, &actor, call.query("query").unwrap_or_default()).await?))
}

async fn export(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let query = |name: &str| call.query(name).unwrap_or_default();
    let document = exchange::export(&control, &actor, query("name"), query("policyId"), query("type")).await?;
    Ok(json(StatusCode::OK, &document))
}

async fn import(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let overwrite = call.query("overwrite").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let form = call.multipart().await?;
    let text = form.text("file").ok_or_else(|| ControlError::invalid("Send the policy as the form field file."))?;
    let (policy, new) = exchange::import(&control, &actor, text.as_bytes(), overwrite).await?;
    Ok(json(if new { StatusCode::CREATED } else { StatusCode::OK }, &policy))
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    Ok(json(StatusCode::OK, &manage::list(&control, &actor, level(&call)?).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let policy = manage::create(&control, &actor, level(&call)?, &call.json()?).await?;
    let location = format!("{}/{}", call.uri.path(), policy.at("policyId").as_str().unwrap_or_default());
    Ok(created(&location, &policy))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = policy_id(&control, &actor, &call).await?;
    Ok(json(StatusCode::OK, &manage::get(&control, &actor, level(&call)?, id).await?))
}

/// The id in the path. Levels that are closed to the actor are refused before the id is looked at.
async fn policy_id(control: &Control, actor: &crate::Actor, call: &Call) -> Result<PolicyId, ControlError> {
    if level(call)? == Level::Custom && !actor.tenant().is_super() {
        manage::list(control, actor, Level::Custom).await?;
    }
    Ok(call.path_id("policyId")?)
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = policy_id(&control, &actor, &call).await?;
    Ok(json(StatusCode::OK, &manage::update(&control, &actor, level(&call)?, id, &call.json()?).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = actor(&control, &permit).await?;
    let id = policy_id(&control, &actor, &call).await?;
    manage::delete(&control, &actor, level(&call)?, id).await?;
    Ok(no_content(StatusCode::OK))
}
