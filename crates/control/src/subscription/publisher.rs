//! Subscriptions as the publishers of APIs see and rule them.

use model::{ApiDocument, SubscriptionId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow, Kinds};
use store::repository::application as applications;
use store::repository::subscription::{self as subscriptions, SubscriptionRow};
use store::repository::{role, throttling as policies, user};

use super::{plan_refused, unknown};
use crate::api::page::Page;
use crate::publishing::load::load;
use crate::publishing::parse_document as parse;
use crate::publishing::search::by_access;
use crate::throttling::{Level, UNLIMITED, may_use};
use crate::{Actor, Change, Control, ControlError, discovery};

/// Subscriptions to an API, or to all of the tenant.
pub(crate) async fn list(
    control: &Control,
    actor: &Actor,
    api: Option<&str>,
    query: &str,
    page: &Page,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let query = query.replace('\0', "");
    let (rows, total) = match api {
        Some(text) => {
            let id = text.parse().map_err(|_| discovery::unknown(text))?;
            load(&mut work, actor, id).await?;
            subscriptions::search_of_api(&mut work, id, &query, page.rows()).await?
        }
        None => {
            let seen = by_access(actor, Kinds::All);
            subscriptions::search_of_api_tenant(&mut work, &seen, &query, page.rows()).await?
        }
    };
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(shown(&mut work, &row).await?);
    }
    Ok(page.list(usize::try_from(total).unwrap_or(0), entries))
}

async fn shown(work: &mut UnitOfWork, row: &SubscriptionRow) -> Result<Value, ControlError> {
    let application = applications::find(work, row.tenant, row.application).await?;
    let count = subscriptions::count_of_application(work, row.application).await?;
    Ok(json!({
        "subscriptionId": row.id.to_string(),
        "applicationInfo": application.map(|application| json!({
            "applicationId": application.id.to_string(),
            "name": application.name,
            "subscriber": row.subscriber,
            "description": application.description,
            "subscriptionCount": count,
        })),
        "throttlingPolicy": row.plan,
        "subscriptionStatus": row.status,
    }))
}

/// A subscription to an API of the actor's tenant, with the API.
async fn find(
    work: &mut UnitOfWork,
    actor: &Actor,
    text: &str,
) -> Result<(SubscriptionRow, ApiRow, ApiDocument), ControlError> {
    if text.is_empty() {
        return Err(ControlError::invalid("subscriptionId: is missing."));
    }
    let not_found = || ControlError::not_found(format!("There is no subscription with the id {text:?}."));
    let id: SubscriptionId = text.parse().map_err(|_| not_found())?;
    let row = subscriptions::find(work, id).await?.ok_or_else(|| unknown(id))?;
    // A subscription to an API of another tenant is as unknown as none.
    api::find(work, actor.tenant(), row.api).await?.ok_or_else(|| unknown(id))?;
    let api = load(work, actor, row.api).await?;
    let document = parse(&api)?;
    Ok((row, api, document))
}

/// Blocks or unblocks a subscription: `UNBLOCKED`, `BLOCKED` or `PROD_ONLY_BLOCKED`.
pub(crate) async fn set_state(
    control: &Control,
    actor: &Actor,
    id: &str,
    state: &str,
    action: &'static str,
) -> Result<Value, ControlError> {
    if !matches!(state, "UNBLOCKED" | "BLOCKED" | "PROD_ONLY_BLOCKED") {
        return Err(ControlError::invalid("blockState: BLOCKED or PROD_ONLY_BLOCKED."));
    }
    let mut work = control.begin().await?;
    let (mut row, _, _) = find(&mut work, actor, id).await?;
    if matches!(row.status.as_str(), "ON_HOLD" | "REJECTED") {
        return Err(ControlError::conflict(format!(
            "The subscription is {}: an administrator decides about it, not its API's publisher.",
            row.status
        )));
    }
    state.clone_into(&mut row.status);
    subscriptions::update(&mut work, &row).await?;
    let answer = shown(&mut work, &row).await?;
    let target = format!("subscription/{}", row.id);
    control.commit(work, actor, Change::of_api(action, &target, row.api)).await?;
    Ok(answer)
}

/// Moves a subscription to another of the API's plans.
pub(crate) async fn change_plan(control: &Control, actor: &Actor, id: &str, plan: &str) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    if plan.is_empty() {
        return Err(ControlError::invalid("businessPlan: is missing."));
    }
    let (mut row, api, document) = find(&mut work, actor, id).await?;
    if !document.plans().contains(&plan) {
        return Err(ControlError::invalid(format!("{} {} does not offer the plan {plan}.", api.name, api.version)));
    }
    if plan != UNLIMITED {
        let found = policies::find_by_name(&mut work, actor.tenant(), Level::Subscription.as_str(), plan).await?;
        let policy = found.ok_or_else(|| ControlError::invalid(format!("There is no plan {plan}.")))?;
        let roles = roles_of(&mut work, &row).await?;
        if !may_use(&policy.document, |wanted| roles.iter().any(|role| role.eq_ignore_ascii_case(wanted))) {
            return Err(plan_refused(plan));
        }
    }
    plan.clone_into(&mut row.plan);
    plan.clone_into(&mut row.requested_plan);
    subscriptions::update(&mut work, &row).await?;
    let answer = shown(&mut work, &row).await?;
    let target = format!("subscription/{}", row.id);
    control.commit(work, actor, Change::of_api("publisher.subscriptions.change-plan", &target, row.api)).await?;
    Ok(answer)
}

/// The roles of the one who subscribed; none when the account is gone.
async fn roles_of(work: &mut UnitOfWork, row: &SubscriptionRow) -> Result<Vec<String>, ControlError> {
    let name = match row.subscriber.rsplit_once('@') {
        Some((local, _)) if !row.tenant.is_super() => local,
        _ => &row.subscriber,
    };
    let Some(account) = user::by_name(work, row.tenant, name).await? else { return Ok(Vec::new()) };
    Ok(role::names_of_user(work, row.tenant, account.id).await?.into_iter().collect())
}
