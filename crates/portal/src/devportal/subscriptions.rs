//! Subscriptions: of an API as consumers make them, and of an application.

use std::sync::Arc;

use control::Field as _;
use control::devportal::{Consumer, Part};
use http::StatusCode;
use model::SubscriptionId;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RestError};

use super::api::{Shown, is_open, shown};
use super::application::Own;
use super::{consumer, entries, frame, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{
    Badge, Button, Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Notice, Page, Table, Tone,
};

/// A subscription's state as a word.
fn state(status: &str) -> Html {
    match status {
        "UNBLOCKED" => Badge::html("Active", Tone::Ok),
        "BLOCKED" => Badge::html("Blocked", Tone::Bad),
        "PROD_ONLY_BLOCKED" => Badge::html("Production blocked", Tone::Bad),
        "ON_HOLD" => Badge::html("Waits for approval", Tone::Warn),
        "TIER_UPDATE_PENDING" => Badge::html("Change waits for approval", Tone::Warn),
        "DELETE_PENDING" => Badge::html("End waits for approval", Tone::Warn),
        "REJECTED" => Badge::html("Rejected", Tone::Bad),
        other => Badge::html(other, Tone::Plain),
    }
}

/// How to subscribe to an API, and which of one's applications have.
pub(super) async fn of_api(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    show(&portal, permit.as_ref(), &call, &shown, Faults::none()).await
}

async fn show(
    portal: &Portal,
    permit: Option<&Permit>,
    call: &Call,
    shown: &Shown,
    faults: Faults,
) -> Result<Answer, PageError> {
    let frame = frame(portal, permit, call, "apis");
    let mut page = shown.page("/subscriptions").faulty(!faults.is_empty());
    let Some(consumer) = consumer(portal, permit).await? else {
        let notice = match permit {
            None => Notice::new(
                Tone::Accent,
                "Sign in to subscribe",
                "A subscription joins one of your applications to this API.",
            )
            .html(Link::html("Sign in", "/signin"))
            .html(Link::html("Create an account", "/signup")),
            Some(_) => Notice::new(
                Tone::Warn,
                "Your account cannot subscribe",
                "It needs the role Internal/subscriber. Ask an administrator.",
            ),
        };
        return frame.answer(page.add(&notice));
    };
    let applications = consumer.applications(Part::ALL).await?;
    let mine = consumer.subscriptions_to(shown.id).await?;
    let subscribed = entries(&mine, "list");
    let free: Vec<&Value> = entries(&applications, "list")
        .iter()
        .filter(|app| !subscribed.iter().any(|s| text(s, "applicationId") == text(app, "applicationId")))
        .collect();
    page = match offer(&frame.csrf, shown, &free, &faults) {
        Ok(form) => page.add(&form),
        Err(notice) => page.add(&notice),
    };
    let mut table = Table::new(
        "Your subscriptions",
        vec![Column::new("Application"), Column::new("Plan"), Column::new("State"), Column::actions()],
    )
    .empty(Empty::new(
        "You have not subscribed yet",
        "Choose an application and a plan above. Keys belong to the application.",
    ));
    for one in subscribed {
        table.row(line(&frame.csrf, one, text(one.at("applicationInfo"), "name"), text(one, "applicationId")));
    }
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.answer_with(status, page.heading("Your subscriptions", "").add(&table))
}

/// The form, or why there is none.
fn offer(csrf: &str, shown: &Shown, free: &[&Value], faults: &Faults) -> Result<Form, Notice> {
    let tiers = entries(&shown.api, "tiers");
    if !is_open(&shown.api) || shown.api.at("isSubscriptionAvailable") != true {
        return Err(Notice::new(Tone::Warn, "No new subscriptions", "The publisher takes none for this version."));
    }
    if tiers.is_empty() {
        return Err(Notice::new(
            Tone::Warn,
            "No plan for you",
            "Every plan of this API is for other roles. Ask its publisher.",
        ));
    }
    if free.is_empty() {
        return Err(Notice::new(
            Tone::Ok,
            "All your applications are subscribed",
            "Create another one to subscribe again.",
        )
        .html(Link::html("Create an application", "/devportal/applications/new")));
    }
    let mut application = Field::select("applicationId", "Application").required();
    for one in free {
        application = application.option(text(one, "applicationId"), text(one, "name"));
    }
    let mut plan = Field::radios("throttlingPolicy", "Plan").required();
    for (index, tier) in tiers.iter().enumerate() {
        plan = plan.choice(text(tier, "tierName"), text(tier, "tierName"), "", index == 0);
    }
    Ok(Form::new(csrf, shown.path("/subscriptions"), "Subscribe").faults(faults).field(application).field(plan))
}

/// Subscribes.
pub(super) async fn subscribe(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, Some(&permit), &call);
    let fields = Fields::of(&call)?;
    let consumer = Consumer::of(&portal.control, &permit).await?;
    let input = json!({
        "applicationId": fields.text("applicationId"),
        "apiId": shown.id.to_string(),
        "throttlingPolicy": fields.text("throttlingPolicy"),
    });
    match consumer.subscribe(shown.tenant.as_deref(), &input).await {
        Ok(made) => {
            let frame = frame(&portal, Some(&permit), &call, "apis");
            let application = text(&made, "applicationId");
            let done = format!(
                "{} is subscribed to {}. Generate keys to call it.",
                text(made.at("applicationInfo"), "name"),
                shown.name()
            );
            frame.done(&format!("/devportal/applications/{application}/keys/production"), &done)
        }
        Err(error) => show(&portal, Some(&permit), &call, &shown, Faults::of(error)?).await,
    }
}

fn line(csrf: &str, one: &Value, name: &str, application: &str) -> Vec<Html> {
    let path = |tail: &str| format!("/devportal/applications/{application}/subscriptions{tail}");
    let _ = csrf;
    vec![
        Link::html(name, format!("/devportal/applications/{application}")),
        Html::text(text(one, "throttlingPolicy")),
        state(text(one, "status")),
        Link::html("Change or end", path("")),
    ]
}

/// The subscriptions of an application.
pub(super) async fn of_application(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let found = own.consumer.subscriptions(own.id).await?;
    let mut table = Table::new(
        "Subscriptions",
        vec![Column::new("API"), Column::new("Plan"), Column::new("State"), Column::actions()],
    )
    .empty(
        Empty::new("No subscriptions", "An application can call the APIs that it is subscribed to.")
            .action("Find an API", "/devportal/apis")
            .command(format!(
                "curl -X POST {}/api/am/devportal/v3/subscriptions -d '{{\"applicationId\": \"{}\", \"apiId\": \"...\", \"throttlingPolicy\": \"Unlimited\"}}'",
                portal.console, own.id
            )),
    );
    for one in entries(&found, "list") {
        let info = one.at("apiInfo");
        let name = format!("{} {}", text(info, "name"), text(info, "version"));
        let id = text(one, "subscriptionId");
        let end = format!("/devportal/applications/{}/subscriptions/end?subscription={id}", own.id);
        let api = Link::html(&name, format!("/devportal/apis/{}", text(one, "apiId")));
        table.row(vec![
            if info.is_null() { Html::text("An API that was deleted") } else { api },
            plan(&portal, &permit, &frame.csrf, &own, one).await,
            state(text(one, "status")),
            Link::html(format!("Unsubscribe from {name}"), end),
        ]);
    }
    frame.answer(own.page("/subscriptions").add(&table))
}

/// The plan of a subscription, with the others that it could have.
async fn plan(portal: &Portal, permit: &Permit, csrf: &str, own: &Own, one: &Value) -> Html {
    let current = text(one, "throttlingPolicy");
    let path = format!("/devportal/applications/{}/subscriptions/plan", own.id);
    let offered =
        match (text(one, "apiId").parse(), control::devportal::Visit::begin(&portal.control, Some(permit), None).await)
        {
            // An API that cannot be looked at any more, or is of another tenant, keeps its plan.
            (Ok(api), Ok(visit)) => visit.api(api).await.ok().filter(is_open),
            _ => None,
        };
    let other = |tier: &Value| {
        let name = text(tier, "tierName");
        (name != current).then(|| {
            Button::new(csrf, path.clone(), format!("Change to {name}"))
                .of(text(one.at("apiInfo"), "name"))
                .with("subscription", text(one, "subscriptionId"))
                .with("plan", name)
                .html()
        })
    };
    let buttons: Vec<Html> = offered.iter().flat_map(|api| entries(api, "tiers")).filter_map(other).collect();
    Html::join([Html::text(current)].into_iter().chain(buttons))
}

fn subscription(text: &str) -> Result<SubscriptionId, RestError> {
    text.parse().map_err(|_| RestError::not_found("There is no such subscription."))
}

/// Moves a subscription to another plan.
pub(super) async fn change_plan(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let fields = Fields::of(&call)?;
    own.consumer.change_plan(None, subscription(fields.text("subscription"))?, fields.text("plan")).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    frame.done(&own.path("/subscriptions"), &format!("The plan is {} now.", fields.text("plan")))
}

/// The question before a subscription ends.
pub(super) async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let id = subscription(call.query("subscription").unwrap_or_default())?;
    let one = own.consumer.subscription(id).await?;
    let name = format!("{} {}", text(one.at("apiInfo"), "name"), text(one.at("apiInfo"), "version"));
    let confirmation = Confirmation::new(
        &frame.csrf,
        own.path("/subscriptions/end"),
        format!("Unsubscribe from {name}"),
        own.path("/subscriptions"),
    )
    .with("subscription", id.to_string())
    .loses(format!("Calls of {name} by {}, at once", own.name()))
    .loses(format!("The plan {}", text(&one, "throttlingPolicy")));
    let page = Page::new(format!("Unsubscribe from {name}?")).narrow();
    frame.answer(own.crumbs(page).add(&confirmation))
}

/// Ends a subscription.
pub(super) async fn end(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let fields = Fields::of(&call)?;
    let waits = own.consumer.unsubscribe(subscription(fields.text("subscription"))?).await?;
    let outcome =
        if waits { "The subscription ends when an administrator approves it." } else { "The subscription has ended." };
    frame(&portal, Some(&permit), &call, "applications").done(&own.path("/subscriptions"), outcome)
}
