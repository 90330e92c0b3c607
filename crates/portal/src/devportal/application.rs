//! One application: what its pages share, its overview, changing and deleting it.

use std::sync::Arc;

use control::Field as _;
use control::devportal::Consumer;
use http::StatusCode;
use model::ApplicationId;
use serde_json::Value;
use web::{Answer, Call, Fields, Permit};

use super::applications::{date, fill, given};
use super::{entries, frame, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Card, Checklist, Confirmation, Facts, Faults, Form, Html, Link, Page, Tab};

/// An application of the person who looks at it.
pub(super) struct Own {
    pub(super) id: ApplicationId,
    pub(super) consumer: Consumer,
    pub(super) application: Value,
}

impl Own {
    /// The application of a request.
    pub(super) async fn load(portal: &Portal, permit: &Permit, call: &Call) -> Result<Self, PageError> {
        let consumer = Consumer::of(&portal.control, permit).await?;
        let id = call.path_id("application")?;
        let application = consumer.application(id).await?;
        Ok(Self { id, consumer, application })
    }

    pub(super) fn name(&self) -> &str {
        text(&self.application, "name")
    }

    /// The path of one of its pages.
    pub(super) fn path(&self, tail: &str) -> String {
        format!("/devportal/applications/{}{tail}", self.id)
    }

    /// The way to a page below this application.
    pub(super) fn crumbs(&self, page: Page) -> Page {
        page.crumb("My applications", "/devportal/applications").crumb(self.name(), self.path(""))
    }

    /// A page of it; `here` is the end of its path.
    pub(super) fn page(&self, here: &str) -> Page {
        let tab = |label: &str, tail: &str| Tab::new(label, self.path(tail), tail == here);
        Page::new(self.name()).crumb("My applications", "/devportal/applications").tabs(vec![
            tab("Overview", ""),
            tab("Production keys", "/keys/production"),
            tab("Sandbox keys", "/keys/sandbox"),
            tab("API keys", "/api-keys"),
            tab("Subscriptions", "/subscriptions"),
            tab("Usage", "/usage"),
        ])
    }
}

/// What an administrator still decides about it; nothing where there is nothing to decide.
fn state(status: &str) -> &'static str {
    match status {
        "CREATED" => "Waits for an administrator. It can be used when it is approved.",
        "REJECTED" => "Rejected by an administrator. Change it to ask again, or delete it.",
        "UPDATE_PENDING" => "Changes wait for an administrator. Until then it stays as it is.",
        "UPDATE_REJECTED" => "The latest changes were rejected by an administrator.",
        "DELETE_PENDING" => "Its removal waits for an administrator.",
        _ => "",
    }
}

/// What it is and what is still to be done.
pub(super) async fn overview(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let application = &own.application;
    let keys = entries(application, "keys");
    let has = |kind: &str| keys.iter().any(|key| text(key, "keyType") == kind);
    let subscribed = application.at("subscriptionCount").as_i64().unwrap_or(0);
    let steps = Checklist::new("From here to the first call")
        .step(
            subscribed > 0,
            Link::new("Subscribe to an API", own.path("/subscriptions")),
            "It can call what it is subscribed to.",
        )
        .step(
            has("PRODUCTION") || has("SANDBOX"),
            Link::new("Generate keys", own.path("/keys/production")),
            "Its programs get tokens with them.",
        )
        .optional(
            has("SANDBOX"),
            Link::new("Generate sandbox keys", own.path("/keys/sandbox")),
            "For trying without harm, where an API has a sandbox.",
        );
    let mut facts = Facts::new()
        .text("Policy", text(application, "throttlingPolicy"))
        .text("Description", text(application, "description"))
        .text("State", state(text(application, "status")))
        .text("Owner", text(application, "owner"))
        .text("Subscriptions", &subscribed.to_string())
        .text("Changed", &date(text(application, "updatedTime")))
        .fact("Id", Html::mono(own.id));
    for (name, value) in application.at("attributes").as_object().into_iter().flatten() {
        facts = facts.text(name, value.as_str().unwrap_or_default());
    }
    let links = Html::join([Link::html("Change it", own.path("/edit")), Link::html("Delete it", own.path("/delete"))]);
    frame.answer(own.page("").add(&steps).add(&Card::new("About").aside(links).add(&facts)))
}

/// The form for changing it.
pub(super) async fn edit(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let form = Form::new(&frame.csrf, own.path("/edit"), "Save the application");
    let form = fill(form, &own.consumer, &own.application).await?.back("Cancel", own.path(""));
    frame.answer(own.crumbs(edit_page(&own)).add(&form))
}

fn edit_page(own: &Own) -> Page {
    Page::new(format!("Change {}", own.name())).narrow()
}

/// Changes it.
pub(super) async fn update(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let fields = Fields::of(&call)?;
    let mut input = given(&fields, &own.consumer);
    // What the page does not offer stays as it is.
    if let Some(object) = input.as_object_mut() {
        for kept in ["tokenType", "groups", "visibility"] {
            object.insert(kept.to_owned(), own.application.at(kept).clone());
        }
    }
    match own.consumer.update(own.id, &input).await {
        Ok(changed) if text(&changed, "status") == "UPDATE_PENDING" => {
            frame.done(&own.path(""), "The changes count when an administrator approves them.")
        }
        Ok(changed) => frame.done(&own.path(""), &format!("{} was saved.", text(&changed, "name"))),
        Err(error) => {
            let form = Form::new(&frame.csrf, own.path("/edit"), "Save the application").faults(&Faults::of(error)?);
            let form = fill(form, &own.consumer, &input).await?.back("Cancel", own.path(""));
            frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, own.crumbs(edit_page(&own)).faulty(true).add(&form))
        }
    }
}

/// The question before it is deleted.
pub(super) async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let mut losses = Vec::new();
    let count = own.application.at("subscriptionCount").as_i64().unwrap_or(0);
    if count > 0 {
        let found = own.consumer.subscriptions(own.id).await?;
        let name = |s: &Value| format!("{} {}", text(s.at("apiInfo"), "name"), text(s.at("apiInfo"), "version"));
        let names: Vec<String> = entries(&found, "list").iter().take(10).map(name).collect();
        losses.push(format!("{count} subscriptions: {}", names.join(", ")));
    }
    for key in entries(&own.application, "keys") {
        losses.push(format!(
            "The {} client {} with its tokens",
            text(key, "keyType").to_lowercase(),
            text(key, "consumerKey")
        ));
    }
    for kind in ["PRODUCTION", "SANDBOX"] {
        let keys = own.consumer.api_keys(own.id, kind).await?.at("count").as_u64().unwrap_or(0);
        if keys > 0 {
            losses.push(format!("{keys} {} API keys", kind.to_lowercase()));
        }
    }
    losses.push(format!("The application {} itself", own.name()));
    let button = format!("Delete {}", own.name());
    let confirmation = Confirmation::new(&frame.csrf, own.path("/delete"), button, own.path(""));
    let confirmation = losses.into_iter().fold(confirmation, Confirmation::loses);
    frame.answer(own.crumbs(Page::new(format!("Delete {}?", own.name())).narrow()).add(&confirmation))
}

/// Deletes it.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let waits = own.consumer.delete(own.id).await?;
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let outcome = if waits { "is deleted when an administrator approves it" } else { "was deleted" };
    frame.done("/devportal/applications", &format!("{} {outcome}.", own.name()))
}

/// What an object of the REST API has of a field, for one that is sent back.
pub(super) fn lines(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
