//! The Publisher API's side of consumers: subscriptions, the policies to choose from, comments, categories.

use std::sync::Arc;

use http::StatusCode;
use model::ApiId;
use store::repository::throttling;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::page::Page;
use crate::comment::{self, EntryPoint};
use crate::field::Field;
use crate::publishing::load::load;
use crate::subscription::publisher as subscriptions;
use crate::throttling::{Level, manage, portal};
use crate::{Actor, Control, ControlError, category, environment};

const SUBSCRIPTIONS: &str = "/api/am/publisher/v4/subscriptions";
const VIEW: &[&str] = &["apim:subscription_view", "apim:subscription_manage", "apim:api_manage"];
const RULE: &[&str] = &["apim:subscription_block", "apim:subscription_manage", "apim:api_manage"];
const POLICIES: &[&str] = &["apim:api_view", "apim:tier_view", "apim:tier_manage", "apim:api_manage"];
const COMMENT_VIEW: &[&str] = &["apim:comment_view", "apim:comment_manage", "apim:comment_write", "apim:api_view"];
const COMMENT: &[&str] = &["apim:comment_manage", "apim:comment_write"];
const COMMENTS: &str = "/api/am/publisher/v4/apis/{apiId}/comments";
const ONE_COMMENT: &str = "/api/am/publisher/v4/apis/{apiId}/comments/{commentId}";

/// All operations.
pub(crate) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new("publisher.subscriptions.list", "GET", SUBSCRIPTIONS, "List subscriptions to APIs"),
            VIEW,
            list,
        )
        .guarded(
            Operation::new(
                "publisher.subscriptions.block",
                "POST",
                "/api/am/publisher/v4/subscriptions/block-subscription",
                "Block a subscription",
            ),
            RULE,
            block,
        )
        .guarded(
            Operation::new(
                "publisher.subscriptions.unblock",
                "POST",
                "/api/am/publisher/v4/subscriptions/unblock-subscription",
                "Unblock a subscription",
            ),
            RULE,
            unblock,
        )
        .guarded(
            Operation::new(
                "publisher.subscriptions.change-plan",
                "POST",
                "/api/am/publisher/v4/subscriptions/change-business-plan",
                "Move a subscription to another plan",
            ),
            &["apim:subscription_manage", "apim:api_manage"],
            change_plan,
        )
        .merge(choice_routes())
        .merge(comment_routes())
}

fn choice_routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new(
                "publisher.throttling-policies.list",
                "GET",
                "/api/am/publisher/v4/throttling-policies/{policyLevel}",
                "List the policies of a level",
            ),
            POLICIES,
            policies,
        )
        .guarded(
            Operation::new(
                "publisher.throttling-policies.streaming",
                "GET",
                "/api/am/publisher/v4/throttling-policies/streaming/subscription",
                "List the plans for streaming APIs",
            ),
            POLICIES,
            streaming_policies,
        )
        .guarded(
            Operation::new(
                "publisher.throttling-policies.get",
                "GET",
                "/api/am/publisher/v4/throttling-policies/{policyLevel}/{policyName}",
                "Read a policy by name",
            ),
            POLICIES,
            policy,
        )
        .guarded(
            Operation::new(
                "publisher.api-categories",
                "GET",
                "/api/am/publisher/v4/api-categories",
                "List API categories",
            ),
            &["apim:api_view", "apim:api_manage"],
            categories,
        )
        .guarded(
            Operation::new(
                "publisher.environments",
                "GET",
                "/api/am/publisher/v4/environments",
                "List gateway environments",
            ),
            &["apim:api_view", "apim:api_manage"],
            environments,
        )
}

fn comment_routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(
            Operation::new("publisher.comments.list", "GET", COMMENTS, "List an API's comments"),
            COMMENT_VIEW,
            list_comments,
        )
        .guarded(
            Operation::new("publisher.comments.create", "POST", COMMENTS, "Comment on an API"),
            COMMENT,
            create_comment,
        )
        .guarded(
            Operation::new("publisher.comments.get", "GET", ONE_COMMENT, "Read a comment"),
            COMMENT_VIEW,
            get_comment,
        )
        .guarded(
            Operation::new("publisher.comments.update", "PATCH", ONE_COMMENT, "Change a comment"),
            COMMENT,
            update_comment,
        )
        .guarded(
            Operation::new("publisher.comments.delete", "DELETE", ONE_COMMENT, "Remove a comment"),
            COMMENT,
            delete_comment,
        )
        .guarded(
            Operation::new(
                "publisher.comments.replies",
                "GET",
                "/api/am/publisher/v4/apis/{apiId}/comments/{commentId}/replies",
                "List replies",
            ),
            COMMENT_VIEW,
            replies,
        )
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let page = Page::of(&call)?;
    let api = call.query("apiId").filter(|text| !text.is_empty());
    let query = call.query("query").unwrap_or_default();
    Ok(json(StatusCode::OK, &subscriptions::list(&control, &Actor::of(&permit), api, query, &page).await?))
}

async fn block(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = call.query("subscriptionId").unwrap_or_default();
    let state = call.query("blockState").unwrap_or("BLOCKED");
    let action = "publisher.subscriptions.block";
    Ok(json(StatusCode::OK, &subscriptions::set_state(&control, &Actor::of(&permit), id, state, action).await?))
}

async fn unblock(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let id = call.query("subscriptionId").unwrap_or_default();
    let action = "publisher.subscriptions.unblock";
    Ok(json(StatusCode::OK, &subscriptions::set_state(&control, &Actor::of(&permit), id, "UNBLOCKED", action).await?))
}

async fn change_plan(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let query = |name: &str| call.query(name).unwrap_or_default();
    let actor = Actor::of(&permit);
    let answer = subscriptions::change_plan(&control, &actor, query("subscriptionId"), query("businessPlan")).await?;
    Ok(json(StatusCode::OK, &answer))
}

async fn views(control: &Control, permit: &Permit, level: &str) -> Result<Vec<serde_json::Value>, ControlError> {
    let level = match level {
        "api" | "advanced" => Level::Advanced,
        "subscription" => Level::Subscription,
        "application" => Level::Application,
        _ => return Err(ControlError::not_found("Levels are api, subscription and application.")),
    };
    let actor = Actor::of(permit);
    control.ensure_tenant_defaults(actor.tenant()).await?;
    let unlimited = control.settings().portal.unlimited_tier;
    let mut work = control.read().await?;
    // Publishers offer plans to others, so they see all of them.
    Ok(portal::views(&mut work, actor.tenant(), level, |_| true, unlimited).await?)
}

/// Whether a plan counts events rather than requests.
fn is_streaming(view: &serde_json::Value) -> bool {
    view.at("quotaPolicyType") == "EVENTCOUNT"
}

async fn policies(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let mut list = views(&control, &permit, call.path("policyLevel")?).await?;
    list.retain(|view| !is_streaming(view));
    Ok(json(StatusCode::OK, &Page::of(&call)?.answer(list)))
}

async fn streaming_policies(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = Actor::of(&permit);
    control.ensure_tenant_defaults(actor.tenant()).await?;
    let mut work = control.read().await?;
    let rows = throttling::list(&mut work, actor.tenant(), Level::Subscription.as_str()).await?;
    // Unlike the other lists, WSO2 answers whole policies here.
    let mut list: Vec<serde_json::Value> = rows.iter().map(manage::shown).collect();
    list.retain(|policy| policy.at("defaultLimit").at("type") == "EVENTCOUNTLIMIT");
    Ok(json(StatusCode::OK, &Page::of(&call)?.answer(list)))
}

async fn policy(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let name = call.path("policyName")?;
    let list = views(&control, &permit, call.path("policyLevel")?).await?;
    let found = list.into_iter().find(|view| view.at("name") == name);
    let found = found.ok_or_else(|| ControlError::not_found(format!("There is no policy {name:?}.")))?;
    Ok(json(StatusCode::OK, &found))
}

async fn categories(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &category::list(&control, permit.tenant(), false).await?))
}

async fn environments(control: Arc<Control>, permit: Permit, _: Call) -> Result<Answer, ControlError> {
    Ok(json(StatusCode::OK, &environment::list(&control, &Actor::of(&permit)).await?))
}

/// The API of the request, if the actor may manage it.
async fn api_of(control: &Control, permit: &Permit, call: &Call) -> Result<ApiId, ControlError> {
    let mut work = control.read().await?;
    Ok(load(&mut work, &Actor::of(permit), call.path_id("apiId")?).await?.id)
}

async fn list_comments(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let api = api_of(&control, &permit, &call).await?;
    Ok(json(StatusCode::OK, &comment::list(&control, api, &Page::of(&call)?).await?))
}

async fn create_comment(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let api = api_of(&control, &permit, &call).await?;
    let parent = call.query("replyTo");
    let actor = Actor::of(&permit);
    let made = comment::create(&control, &actor, api, parent, EntryPoint::Publisher, &call.json()?).await?;
    Ok(created(&format!("{}/{}", call.uri.path(), made.at("id").as_str().unwrap_or_default()), &made))
}

async fn get_comment(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let api = api_of(&control, &permit, &call).await?;
    let limit = call.query_or("replyLimit", 25_usize)?.min(100);
    let offset = call.query_or("replyOffset", 0_usize)?;
    Ok(json(StatusCode::OK, &comment::get(&control, api, call.path_id("commentId")?, limit, offset).await?))
}

async fn update_comment(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let api = api_of(&control, &permit, &call).await?;
    let id = call.path_id("commentId")?;
    Ok(json(StatusCode::OK, &comment::update(&control, &Actor::of(&permit), api, id, &call.json()?).await?))
}

async fn delete_comment(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let api = api_of(&control, &permit, &call).await?;
    comment::delete(&control, &Actor::of(&permit), api, call.path_id("commentId")?).await?;
    Ok(no_content(StatusCode::OK))
}

async fn replies(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let api = api_of(&control, &permit, &call).await?;
    let id = call.path_id("commentId")?;
    Ok(json(StatusCode::OK, &comment::replies(&control, api, id, &Page::of(&call)?).await?))
}
