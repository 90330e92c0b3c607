//! The consumer's applications: the list, and making one.

use std::sync::Arc;

use control::Field as _;
use control::devportal::{Consumer, Part};
use http::StatusCode;
use serde_json::{Map, Value, json};
use web::{Answer, Call, Fields, Permit};

use super::{entries, frame, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Column, Empty, Faults, Field, Form, Html, Link, Page, Pager, Table, day};

/// Applications on a page.
const SIZE: usize = 25;

/// The list.
pub(super) async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let consumer = Consumer::of(&portal.control, &permit).await?;
    let found = consumer.applications(Part::ALL).await?;
    let from: usize = call.query_or("from", 0)?;
    let (shown, pager) = Pager::cut(entries(&found, "list").to_vec(), from, SIZE, "/devportal/applications?");
    let mut table = Table::new(
        "My applications",
        vec![Column::new("Name"), Column::new("Policy"), Column::number("Subscriptions"), Column::new("Changed")],
    )
    .pager(pager)
    .empty(
        Empty::new("No applications", "An application has the keys and subscriptions of one program that calls APIs.")
            .action("Create an application", "/devportal/applications/new")
            .command(format!(
                "curl -X POST {}/api/am/devportal/v3/applications -d '{{\"name\": \"Shop\", \"throttlingPolicy\": \"Unlimited\"}}'",
                portal.console
            )),
    );
    for one in &shown {
        table.row(vec![
            Link::html(text(one, "name"), format!("/devportal/applications/{}", text(one, "applicationId"))),
            Html::text(text(one, "throttlingPolicy")),
            Html::text(one.at("subscriptionCount").as_i64().unwrap_or(0)),
            Html::text(date(text(one, "updatedTime"))),
        ]);
    }
    let page = Page::new("My applications")
        .lead("Each has keys of its own and the APIs it may call.")
        .action("Create an application", "/devportal/applications/new");
    frame.answer(page.add(&table))
}

/// A day from milliseconds.
pub(super) fn date(millis: &str) -> String {
    millis.parse().map(|millis| day(model::Timestamp::from_millis(millis))).unwrap_or_default()
}

/// The form for a new one.
pub(super) async fn form(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let consumer = Consumer::of(&portal.control, &permit).await?;
    let empty = json!({"throttlingPolicy": ""});
    let form = Form::new(&frame.csrf, "/devportal/applications/new", "Create the application");
    let form = fill(form, &consumer, &empty).await?.back("Cancel", "/devportal/applications");
    frame.answer(new_page().add(&form))
}

fn new_page() -> Page {
    Page::new("Create an application").crumb("My applications", "/devportal/applications").narrow()
}

/// The fields of an application, filled with what it has.
pub(super) async fn fill(form: Form, consumer: &Consumer, has: &Value) -> Result<Form, PageError> {
    let mut policy = Field::select("throttlingPolicy", "Policy")
        .hint("Limits all calls of the application together.")
        .value(text(has, "throttlingPolicy"));
    for one in consumer.policies().await? {
        let (name, about) = (text(&one, "name"), text(&one, "description"));
        let label = if about.is_empty() { name.to_owned() } else { format!("{name}: {about}") };
        policy = policy.option(name, &label);
    }
    let mut form = form
        .field(Field::text("name", "Name").value(text(has, "name")).max(100).required())
        .field(policy)
        .field(Field::area("description", "Description", 3).value(text(has, "description")).max(512).hint("Optional."));
    for attribute in consumer.attributes().iter().filter(|attribute| !attribute.hidden) {
        let given = text(has.at("attributes"), &attribute.name);
        let value = if given.is_empty() { attribute.default.as_deref().unwrap_or_default() } else { given };
        let field = Field::text(&format!("attribute.{}", attribute.name), &attribute.name)
            .hint(&attribute.description)
            .value(value);
        form = form.field(if attribute.required { field.required() } else { field });
    }
    Ok(form)
}

/// What was filled in, as the use case takes it.
pub(super) fn given(fields: &Fields, consumer: &Consumer) -> Value {
    let mut attributes = Map::new();
    for attribute in consumer.attributes().iter().filter(|attribute| !attribute.hidden) {
        let value = fields.text(&format!("attribute.{}", attribute.name));
        if !value.is_empty() {
            attributes.insert(attribute.name.clone(), json!(value));
        }
    }
    json!({
        "name": fields.text("name"),
        "throttlingPolicy": fields.text("throttlingPolicy"),
        "description": fields.text("description"),
        "attributes": attributes,
    })
}

/// Makes one.
pub(super) async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let frame = frame(&portal, Some(&permit), &call, "applications");
    let fields = Fields::of(&call)?;
    let consumer = Consumer::of(&portal.control, &permit).await?;
    let input = given(&fields, &consumer);
    match consumer.create(&input).await {
        Ok(made) => {
            let path = format!("/devportal/applications/{}", text(&made, "applicationId"));
            frame.done(&path, &format!("{} was created.", text(&made, "name")))
        }
        Err(error) => {
            let form = Form::new(&frame.csrf, "/devportal/applications/new", "Create the application")
                .faults(&Faults::of(error)?);
            let form = fill(form, &consumer, &input).await?.back("Cancel", "/devportal/applications");
            frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, new_page().faulty(true).add(&form))
        }
    }
}
