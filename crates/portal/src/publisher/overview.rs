//! One API: what it is, what is missing before it can be published, and its end.

use std::sync::Arc;

use serde_json::Value;
use web::{Answer, Call, Permit};

use super::context::Here;
use super::{apis, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Badge, Button, Card, Checklist, Confirmation, Facts, Html, Link, Notice, Tone};

/// What an API is and what it lacks.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "").await?;
    let deployments = portal.control.deployments(&here.actor, here.id).await?;
    let holdings = portal.control.holdings(&here.actor, here.id).await?;
    let api = &here.api;
    let mut page = here.page(&here.title()).lead(api.text("description"));
    if matches!(api.lifecycle(), "CREATED" | "PROTOTYPED") {
        let list = checklist(&here, !deployments.is_empty(), holdings.documents > 0);
        let ready = list.is_complete();
        page = page.add(&list);
        if ready {
            page = page.add(
                &Notice::new(Tone::Ok, "Ready to be published", "Consumers find it in the Developer Portal then.")
                    .html(
                        Button::new(&here.frame.csrf, here.path("lifecycle"), "Publish")
                            .of(here.title())
                            .with("action", "Publish")
                            .primary()
                            .html(),
                    ),
            );
        }
    }
    let places = deployments.iter().map(|d| Badge::html(text(d, "name"), Tone::Ok));
    let mut facts = Facts::new()
        .fact("Context", Html::mono(api.versioned_context()))
        .fact("Kind", Html::text(apis::kind(api.kind())))
        .fact("Provider", Html::text(api.provider()))
        .fact("Deployed to", if deployments.is_empty() { Html::muted("No gateway yet") } else { Html::join(places) })
        .fact("Subscriptions", Link::html(holdings.subscriptions.to_string(), here.path("subscribers")))
        .fact(
            "Business plans",
            if api.plans().is_empty() { Html::muted("None yet") } else { Html::text(api.plans().join(", ")) },
        )
        .fact("Visibility", Html::text(visibility(api.visibility())))
        .text("Tags", &api.texts("tags").join(", "))
        .text("Changed", &format!("{} by {}", super::when(api.text("lastUpdatedTimestamp")), api.text("updatedBy")));
    if api.flag("isDefaultVersion") {
        facts = facts.fact("Default version", Html::text("Yes: calls without a version come here"));
    }
    let delete = Link::html("Delete this API", here.path("delete"));
    here.frame.answer(page.add(&Card::new("About").add(&facts)).html(delete))
}

/// The visibility as people call it.
fn visibility(code: &str) -> &str {
    match code {
        "PRIVATE" => "People of this tenant",
        "RESTRICTED" => "People with certain roles",
        _ => "Everybody",
    }
}

fn has_endpoint(api: &model::ApiDocument) -> bool {
    api.text("endpointImplementationType") != "ENDPOINT"
        || api.get("endpointConfig").and_then(Value::as_object).is_some_and(|config| !config.is_empty())
}

fn checklist(here: &Here, deployed: bool, documented: bool) -> Checklist {
    let api = &here.api;
    let link = |label: &str, end: &str| Link::new(label, here.path(end));
    Checklist::new("Before it is published")
        .step(has_endpoint(api), link("Endpoint", "endpoints"), "Where calls are forwarded to.")
        .step(!api.operations().is_empty(), link("Resources", "definition"), "What can be called.")
        .step(
            !api.plans().is_empty(),
            link("Business plan", "access"),
            "How much a subscription may call. Consumers choose one.",
        )
        .step(deployed, link("Deployment", "deploy"), "A revision at a gateway. Without one, calls find nothing.")
        .optional(!api.text("description").is_empty(), link("Description", "design"), "What consumers read first.")
        .optional(documented, link("Documents", "documents"), "How to use it.")
}

/// The question before the end.
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "").await?;
    let held = portal.control.holdings(&here.actor, here.id).await?;
    let title = here.title();
    let page = here.page(&format!("Delete {title}")).narrow();
    if held.subscriptions > 0 {
        let count = held.subscriptions;
        let notice = Notice::new(
            Tone::Warn,
            format!("{title} has {count} subscriptions"),
            "An API that somebody is subscribed to is not deleted. Deprecate it, tell the subscribers, and retire it: that ends their subscriptions.",
        );
        return here.frame.answer(page.add(&notice.html(Link::html("Go to its lifecycle", here.path("lifecycle")))));
    }
    let question = Confirmation::new(&here.frame.csrf, here.path("delete"), format!("Delete {title}"), here.path(""))
        .loses(format!("The API at {}; calls to it are answered with 404", here.api.versioned_context()))
        .loses(format!("{} revisions, {} of them deployed", held.revisions, held.deployments))
        .loses(format!("{} documents, comments and ratings", held.documents));
    here.frame.answer(page.add(&question))
}

/// Deletes it.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "").await?;
    portal.control.delete_api(&here.actor, here.id).await?;
    here.frame.done("/publisher/apis", &format!("{} was deleted.", here.title()))
}
