//! Subscriptions.

use std::sync::Arc;

use http::StatusCode;
use web::{Answer, Call, Operation, Permit, RouteTable, created, json, no_content};

use super::{SUBSCRIPTIONS, addressed, consumer};
use crate::api::page::Page;
use crate::field::Field;
use crate::subscription::consumer as subscriptions;
use crate::{Control, ControlError};

const PATH: &str = "/api/am/devportal/v3/subscriptions";
const ONE: &str = "/api/am/devportal/v3/subscriptions/{subscriptionId}";

pub(super) fn routes() -> RouteTable<Control> {
    RouteTable::new()
        .guarded(Operation::new("devportal.subscriptions.list", "GET", PATH, "List subscriptions"), SUBSCRIPTIONS, list)
        .guarded(Operation::new("devportal.subscriptions.create", "POST", PATH, "Subscribe"), SUBSCRIPTIONS, create)
        .guarded(
            Operation::new(
                "devportal.subscriptions.create-many",
                "POST",
                "/api/am/devportal/v3/subscriptions/multiple",
                "Subscribe to several APIs",
            ),
            SUBSCRIPTIONS,
            create_many,
        )
        .guarded(Operation::new("devportal.subscriptions.get", "GET", ONE, "Read one"), SUBSCRIPTIONS, get)
        .guarded(Operation::new("devportal.subscriptions.update", "PUT", ONE, "Change the plan"), SUBSCRIPTIONS, update)
        .guarded(Operation::new("devportal.subscriptions.delete", "DELETE", ONE, "Unsubscribe"), SUBSCRIPTIONS, delete)
}

async fn list(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let filter = |name: &str| call.query(name).filter(|text| !text.is_empty());
    let page = Page::of(&call)?;
    let wanted = (filter("applicationId"), filter("apiId"));
    let list = subscriptions::list(&control, &actor, wanted, addressed(&call), &page).await?;
    Ok(json(StatusCode::OK, &list))
}

async fn create(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let made = subscriptions::create(&control, &actor, addressed(&call), &call.json()?).await?;
    Ok(created(&format!("{PATH}/{}", made.at("subscriptionId").as_str().unwrap_or_default()), &made))
}

async fn create_many(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let made = subscriptions::create_many(&control, &actor, addressed(&call), &call.json()?).await?;
    Ok(json(StatusCode::OK, &made))
}

async fn get(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    Ok(json(StatusCode::OK, &subscriptions::get(&control, &actor, call.path_id("subscriptionId")?).await?))
}

async fn update(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let id = call.path_id("subscriptionId")?;
    let changed = subscriptions::update(&control, &actor, addressed(&call), id, &call.json()?).await?;
    Ok(json(StatusCode::OK, &changed))
}

async fn delete(control: Arc<Control>, permit: Permit, call: Call) -> Result<Answer, ControlError> {
    let actor = consumer(&control, &permit).await?;
    let waits = subscriptions::delete(&control, &actor, call.path_id("subscriptionId")?).await?;
    Ok(waits.map_or_else(|| no_content(StatusCode::OK), |row| json(StatusCode::CREATED, &row)))
}
