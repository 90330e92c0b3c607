//! The Governance REST API, version 1 (`/api/am/governance/v1`).

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content, text};

use super::page::Page;
use crate::field::Field;
use crate::governance::{compliance, policies, rulesets};
use crate::{Actor, Control, ControlError};

/// Paths of the API.
macro_rules! at {
    ($tail:literal) => {
        concat!("/api/am/governance/v1/", $tail)
    };
}

const RULES_READ: &[&str] = &["apim:gov_rule_read", "apim:gov_rule_manage"];
const RULES: &[&str] = &["apim:gov_rule_manage"];
const POLICIES_READ: &[&str] = &["apim:gov_policy_read", "apim:gov_policy_manage"];
const POLICIES: &[&str] = &["apim:gov_policy_manage"];
const RESULTS: &[&str] = &["apim:gov_result_read"];
/// A ruleset of 1 MiB in a form.
const BODY: usize = 2 * 1024 * 1024;

pub(super) fn routes() -> RouteTable<Control> {
    let operation = Operation::new;
    RouteTable::new()
        .guarded(operation("governance.rulesets.list", "GET", at!("rulesets"), "List rulesets"), RULES_READ, list)
        .guarded(
            operation("governance.rulesets.create", "POST", at!("rulesets"), "Add a ruleset").body_limit(BODY),
            RULES,
            create,
        )
        .guarded(
            operation("governance.rulesets.get", "GET", at!("rulesets/{rulesetId}"), "Read a ruleset"),
            RULES_READ,
            get,
        )
        .guarded(
            operation("governance.rulesets.update", "PUT", at!("rulesets/{rulesetId}"), "Replace a ruleset")
                .body_limit(BODY),
            RULES,
            update,
        )
        .guarded(
            operation("governance.rulesets.delete", "DELETE", at!("rulesets/{rulesetId}"), "Remove one"),
            RULES,
            delete,
        )
        .guarded(
            operation("governance.rulesets.content", "GET", at!("rulesets/{rulesetId}/content"), "Read its rules"),
            RULES_READ,
            content,
        )
        .guarded(
            operation(
                "governance.rulesets.usage",
                "GET",
                at!("rulesets/{rulesetId}/usage"),
                "List the policies that use it",
            ),
            RULES_READ,
            usage,
        )
        .merge(policy_routes())
        .merge(result_routes())
}

fn policy_routes() -> RouteTable<Control> {
    let operation = Operation::new;
    RouteTable::new()
        .guarded(
            operation("governance.policies.list", "GET", at!("policies"), "List policies"),
            POLICIES_READ,
            list_policies,
        )
        .guarded(
            operation("governance.policies.create", "POST", at!("policies"), "Add a policy"),
            POLICIES,
            create_policy,
        )
        .guarded(
            operation("governance.policies.get", "GET", at!("policies/{policyId}"), "Read a policy"),
            POLICIES_READ,
            get_policy,
        )
        .guarded(
            operation("governance.policies.update", "PUT", at!("policies/{policyId}"), "Replace a policy"),
            POLICIES,
            update_policy,
        )
        .guarded(
            operation("governance.policies.delete", "DELETE", at!("policies/{policyId}"), "Remove a policy"),
            POLICIES,
            delete_policy,
        )
}

fn result_routes() -> RouteTable<Control> {
    let operation = Operation::new;
    RouteTable::new()
        .guarded(
            operation(
                "governance.compliance.list",
                "GET",
                at!("artifact-compliance/api"),
                "List APIs with their compliance",
            ),
            RESULTS,
            compliances,
        )
        .guarded(
            operation(
                "governance.compliance.summary",
                "GET",
                at!("artifact-compliance/api/summary"),
                "Count APIs by compliance",
            ),
            RESULTS,
            summary,
        )
        .guarded(
            operation(
                "governance.compliance.get",
                "GET",
                at!("artifact-compliance/api/{apiId}"),
                "Read the compliance of an API",
            ),
            RESULTS,
            compliance_of,
        )
        .guarded(
            operation(
                "governance.compliance.ruleset",
                "GET",
                at!("artifact-compliance/api/{apiId}/ruleset-validation-results/{rulesetId}"),
                "Read what a ruleset says of an API",
            ),
            RESULTS,
            ruleset_result,
        )
        .guarded(
            operation(
                "governance.adherence.list",
                "GET",
                at!("policy-adherence"),
                "List policies with their adherence",
            ),
            RESULTS,
            adherences,
        )
        .guarded(
            operation(
                "governance.adherence.summary",
                "GET",
                at!("policy-adherence/summary"),
                "Count policies by adherence",
            ),
            RESULTS,
            adherence_summary,
        )
        .guarded(
            operation(
                "governance.adherence.get",
                "GET",
                at!("policy-adherence/{policyId}"),
                "Read the adherence to a policy",
            ),
            RESULTS,
            adherence_of,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &rulesets::list(&control, &Actor::of(&permit), &Page::of(&call)?).await?))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let part = |name: &str| form.text(name).unwrap_or_default();
    let made = rulesets::create(&control, &Actor::of(&permit), part).await?;
    let location = format!("{}/{}", at!("rulesets"), made.at("id").as_str().unwrap_or_default());
    Ok(created(&location, &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &rulesets::get(&control, &Actor::of(&permit), call.path("rulesetId")?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let form = call.multipart().await?;
    let part = |name: &str| form.text(name).unwrap_or_default();
    Ok(json(StatusCode::OK, &rulesets::update(&control, &Actor::of(&permit), call.path("rulesetId")?, part).await?))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    rulesets::delete(&control, &Actor::of(&permit), call.path("rulesetId")?).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}

async fn content(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let rules = rulesets::content(&control, &Actor::of(&permit), call.path("rulesetId")?).await?;
    let media_type = if rules.trim_start().starts_with('{') { "application/json" } else { "application/x-yaml" };
    Ok(text(StatusCode::OK, media_type, rules))
}

async fn usage(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &rulesets::usage(&control, &Actor::of(&permit), call.path("rulesetId")?).await?))
}

async fn list_policies(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &policies::list(&control, &Actor::of(&permit), &Page::of(&call)?).await?))
}

async fn create_policy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let made = policies::create(&control, &Actor::of(&permit), &call.json()?).await?;
    let location = format!("{}/{}", at!("policies"), made.at("id").as_str().unwrap_or_default());
    Ok(created(&location, &made))
}

async fn get_policy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &policies::get(&control, &Actor::of(&permit), call.path("policyId")?).await?))
}

async fn update_policy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let (actor, id) = (Actor::of(&permit), call.path("policyId")?);
    Ok(json(StatusCode::OK, &policies::update(&control, &actor, id, &call.json()?).await?))
}

async fn delete_policy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    policies::delete(&control, &Actor::of(&permit), call.path("policyId")?).await?;
    Ok(no_content(StatusCode::NO_CONTENT))
}

async fn compliances(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &compliance::list(&control, &Actor::of(&permit), &Page::of(&call)?).await?))
}

async fn summary(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &compliance::summary(&control, &Actor::of(&permit)).await?))
}

async fn compliance_of(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &compliance::get(&control, &Actor::of(&permit), call.path_id("apiId")?).await?))
}

async fn ruleset_result(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let (actor, api, ruleset) = (Actor::of(&permit), call.path_id("apiId")?, call.path("rulesetId")?);
    Ok(json(StatusCode::OK, &compliance::of_ruleset(&control, &actor, api, ruleset).await?))
}

async fn adherences(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &compliance::adherences(&control, &Actor::of(&permit), &Page::of(&call)?).await?))
}

async fn adherence_summary(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &compliance::adherence_summary(&control, &Actor::of(&permit)).await?))
}

async fn adherence_of(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &compliance::adherence_of(&control, &Actor::of(&permit), call.path("policyId")?).await?))
}
