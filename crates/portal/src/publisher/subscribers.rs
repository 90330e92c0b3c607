//! Who is subscribed to an API, and who may not call it at the moment.

use std::sync::Arc;

use serde_json::Value;
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::text;
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Badge, Button, Column, Empty, Field, Form, Html, Pager, Table, Tone};

/// Subscriptions on a page.
const SIZE: usize = 25;

/// The list.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "subscribers").await?;
    let (who, from): (&str, usize) = (call.query("who").unwrap_or_default(), call.query_or("from", 0)?);
    let found = portal.control.subscribers(&here.actor, here.id, who, (SIZE, from)).await?;
    let total = found.get("pagination").and_then(|p| p.get("total")?.as_u64()).and_then(|t| usize::try_from(t).ok());
    let list = found.get("list").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("who", who).finish();
    let pager = Pager::of(
        from,
        list.len(),
        SIZE,
        total.unwrap_or(list.len()),
        &format!("{}?{query}&", here.path("subscribers")),
    );
    let columns =
        ["Application", "Subscriber", "Plan", "State"].map(Column::new).into_iter().chain([Column::actions()]);
    let empty = if who.is_empty() {
        Empty::new(
            "Nobody is subscribed yet",
            "Consumers subscribe their applications in the Developer Portal once the API is published.",
        )
    } else {
        Empty::new("Nobody with this name is subscribed", "Look for a part of the name.")
            .action("Show all", here.path("subscribers"))
    };
    let mut table = Table::new("Subscriptions", columns.collect()).pager(pager).empty(empty);
    for one in list {
        table.row(row(&here, one));
    }
    let search = Form::search(here.path("subscribers"), "Find").field(Field::text("who", "Subscriber").value(who));
    let page = here.page("Subscribers").lead("Applications that may call this API, and their plans.");
    let page = if list.is_empty() && who.is_empty() { page } else { page.add(&search) };
    here.frame.answer(page.add(&table))
}

fn row(here: &Here, one: &Value) -> Vec<Html> {
    let none = Value::Null;
    let application = one.get("applicationInfo").unwrap_or(&none);
    let (state, tone) = match text(one, "subscriptionStatus") {
        "UNBLOCKED" => ("Active", Tone::Ok),
        "BLOCKED" => ("Blocked", Tone::Bad),
        "PROD_ONLY_BLOCKED" => ("Production blocked", Tone::Warn),
        "ON_HOLD" => ("Waits for approval", Tone::Warn),
        other => (other, Tone::Plain),
    };
    let button = |label: &str, state: &str| {
        let object = format!("{} of {}", text(application, "name"), text(application, "subscriber"));
        Button::new(&here.frame.csrf, here.path("subscribers"), label)
            .of(object)
            .with("subscription", text(one, "subscriptionId"))
            .with("state", state)
            .html()
    };
    let actions = match text(one, "subscriptionStatus") {
        "UNBLOCKED" => vec![button("Block production", "PROD_ONLY_BLOCKED"), button("Block", "BLOCKED")],
        "BLOCKED" | "PROD_ONLY_BLOCKED" => vec![button("Unblock", "UNBLOCKED")],
        _ => Vec::new(),
    };
    vec![
        Html::text(text(application, "name")),
        Html::mono(text(application, "subscriber")),
        Html::text(text(one, "throttlingPolicy")),
        Badge::html(state, tone),
        Html::join(actions),
    ]
}

/// Blocks or unblocks one.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "subscribers").await?;
    let fields = Fields::of(&call)?;
    let state = fields.text("state");
    portal.control.block_subscription(&here.actor, fields.text("subscription"), state).await?;
    let text = match state {
        "UNBLOCKED" => "The subscription is active again.",
        "BLOCKED" => "The subscription is blocked: its calls are refused from now on.",
        _ => "The subscription is blocked for production keys from now on.",
    };
    here.done("subscribers", text)
}
