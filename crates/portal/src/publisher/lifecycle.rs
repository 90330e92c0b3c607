//! States of an API, how it came there, and its next version.

use std::sync::Arc;

use control::LifecycleOptions;
use http::StatusCode;
use serde_json::Value;
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::{text, when};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Actions, Badge, Button, Card, Confirmation, Faults, Field, Form, Link, Page, Timeline};

/// What an action does, for those who decide on it.
fn meaning(action: &str) -> &'static str {
    match action {
        "Publish" => "Consumers find it in the Developer Portal and can subscribe.",
        "Re-Publish" => "Calls are answered again.",
        "Deploy as a Prototype" => "Consumers can try it early, without a subscription.",
        "Demote to Created" => "Consumers do not see it any more, and no gateway serves it.",
        "Block" => "Every call is refused until it is published again. Subscriptions stay.",
        "Deprecate" => "Nobody new can subscribe; those who have, keep calling.",
        "Retire" => "No gateway serves it, and every subscription ends. There is no way back.",
        _ => "",
    }
}

/// Actions that take something from somebody: they are asked about.
fn is_grave(action: &str) -> bool {
    matches!(action, "Block" | "Retire" | "Demote to Created")
}

async fn page(here: &Here, version: &str, faults: &Faults) -> Result<Page, PageError> {
    let control = &here.portal.control;
    let state = control.lifecycle_state(&here.actor, here.id).await?;
    let waits = control.lifecycle_waits(&here.actor, here.id).await?;
    let mut card = Card::new("What can happen next").aside(Badge::lifecycle(text(&state, "state")));
    let mut actions = Actions::new();
    if waits {
        let withdraw = Button::new(&here.frame.csrf, here.path("lifecycle/withdraw"), "Withdraw the request");
        actions = actions
            .action(withdraw.html(), "An action waits for an administrator. Nothing else can happen until then.");
    }
    let next = state.get("availableTransitions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for transition in next.iter().filter(|_| !waits) {
        let action = text(transition, "event");
        let button = if is_grave(action) {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("action", action).finish();
            Link::html(action, format!("{}?{query}", here.path("lifecycle/ask")))
        } else {
            let button =
                Button::new(&here.frame.csrf, here.path("lifecycle"), action).of(here.title()).with("action", action);
            if action == "Publish" { button.primary().html() } else { button.html() }
        };
        actions = actions.action(button, meaning(action));
    }
    card = if next.is_empty() {
        card.text("It is retired: nothing comes after that. A new version can be made below.")
    } else {
        card.add(&actions)
    };
    let copy = Form::new(&here.frame.csrf, here.path("lifecycle/version"), "Create version")
        .faults(faults)
        .field(
            Field::text("version", "New version")
                .value(version)
                .required()
                .max(30)
                .hint("As in 2.0.0. It begins as a copy of this one."),
        )
        .field(Field::check("default", "Make it the default version", false))
        .quiet();
    let mut history = Timeline::new();
    for event in control.lifecycle_history(&here.actor, here.id).await?.iter().rev() {
        history = history.entry(
            Badge::lifecycle(text(event, "postState")),
            when(text(event, "updatedTime")),
            text(event, "user"),
        );
    }
    Ok(here
        .page("Lifecycle")
        .lead("Who may find and call this version.")
        .faulty(!faults.is_empty())
        .add(&card)
        .heading("New version", "")
        .add(&copy)
        .heading("History", "")
        .add(&history))
}

/// State, actions, history.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "lifecycle").await?;
    here.frame.answer(page(&here, "", &Faults::none()).await?)
}

/// The question before a grave action.
pub(super) async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "lifecycle").await?;
    let action = call.query("action").filter(|a| is_grave(a)).unwrap_or("Block");
    let held = portal.control.holdings(&here.actor, here.id).await?;
    let title = format!("{action} {}", here.title());
    let mut question =
        Confirmation::new(&here.frame.csrf, here.path("lifecycle"), title.clone(), here.path("lifecycle"))
            .with("action", action)
            .loses(meaning(action));
    if held.subscriptions > 0 {
        question = question.loses(format!("{} subscriptions are concerned", held.subscriptions));
    }
    here.frame.answer(here.below(&title, "lifecycle").narrow().add(&question))
}

/// Carries an action out.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "lifecycle").await?;
    let fields = Fields::of(&call)?;
    let action = fields.text("action");
    match portal.control.change_lifecycle(&here.actor, here.id, action, LifecycleOptions::default()).await {
        Ok(change) if change.waits => here.done("lifecycle", &format!("{action} waits for an administrator.")),
        Ok(change) => {
            let state = text(&change.state, "state").to_lowercase();
            here.done("lifecycle", &format!("{} is {state} now.", here.title()))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&here, "", &faults).await?)
        }
    }
}

/// Withdraws an action that waits for an administrator.
pub(super) async fn withdraw(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "lifecycle").await?;
    portal.control.withdraw_lifecycle_request(&here.actor, here.id).await?;
    here.done("lifecycle", "The request was withdrawn.")
}

/// Makes the next version.
pub(super) async fn version(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "lifecycle").await?;
    let fields = Fields::of(&call)?;
    let version = fields.text("version").trim();
    match portal.control.copy_api(&here.actor, here.id, version, fields.text("default") == "on").await {
        Ok(made) => {
            let text = format!("{} {} was created from {}.", made.name(), made.version(), here.api.version());
            here.frame.done(&format!("/publisher/apis/{}", made.text("id")), &text)
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&here, version, &faults).await?)
        }
    }
}
