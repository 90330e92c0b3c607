//! What consumers read about an API, and its resources with their rules.

use std::sync::Arc;

use http::StatusCode;
use model::ApiDocument;
use serde_json::{Map, Value, json};
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::edit::{self, Conflict, Saved, Sent, Values};
use super::text;
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Page, Table};

/// Fields of the page about the API.
const LABELS: [(&str, &str); 7] = [
    ("description", "Description"),
    ("tags", "Tags"),
    ("isDefaultVersion", "Default version"),
    ("businessOwner", "Business owner"),
    ("businessOwnerEmail", "Business owner's mail"),
    ("technicalOwner", "Technical owner"),
    ("technicalOwnerEmail", "Technical owner's mail"),
];
const OWNERS: [&str; 4] = ["businessOwner", "businessOwnerEmail", "technicalOwner", "technicalOwnerEmail"];

fn read(api: &ApiDocument) -> Values {
    let mut values = Values::from([
        ("description", api.text("description").to_owned()),
        ("tags", api.texts("tags").join(", ")),
        ("isDefaultVersion", if api.flag("isDefaultVersion") { "on" } else { "" }.to_owned()),
    ]);
    let business = api.get("businessInformation").cloned().unwrap_or_default();
    values.extend(OWNERS.map(|name| (name, text(&business, name).to_owned())));
    values
}

fn write(api: &mut ApiDocument, values: &Values, _: &mut Faults) {
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    api.set("description", value("description"));
    api.set("tags", super::list(&value("tags")));
    api.set("isDefaultVersion", value("isDefaultVersion") == "on");
    let mut business = api.get("businessInformation").and_then(Value::as_object).cloned().unwrap_or_default();
    business.extend(OWNERS.map(|name| (name.to_owned(), value(name).into())));
    api.set("businessInformation", Value::Object(business));
}

fn form(here: &Here, values: &Values, stored: &Values, faults: &Faults) -> Form {
    let value = |name: &str| values.get(name).map_or("", String::as_str);
    let form = Form::new(&here.frame.csrf, here.path("design"), "Save design")
        .faults(faults)
        .field(Field::area("description", "Description", 5).value(value("description")).max(32_766))
        .field(
            Field::text("tags", "Tags")
                .value(value("tags"))
                .hint("Separated by commas. Consumers search and filter by them."),
        )
        .field(Field::check(
            "isDefaultVersion",
            "Default version: calls without a version come here",
            value("isDefaultVersion") == "on",
        ))
        .group("Who answers for it", "Consumers see this.")
        .field(Field::text("businessOwner", "Business owner").value(value("businessOwner")))
        .field(Field::text("businessOwnerEmail", "Business owner's mail").value(value("businessOwnerEmail")))
        .field(Field::text("technicalOwner", "Technical owner").value(value("technicalOwner")))
        .field(Field::text("technicalOwnerEmail", "Technical owner's mail").value(value("technicalOwnerEmail")));
    edit::remember(form, stored)
}

/// The form.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "design").await?;
    let values = edit::normal(read(&here.api));
    let page = here.page("Design").lead("What consumers read about it.").narrow();
    here.frame.answer(page.add(&form(&here, &values, &values, &Faults::none())))
}

/// Saves it.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "design").await?;
    let sent = Sent::of(&Fields::of(&call)?, LABELS.map(|(name, _)| name));
    let page = here.page("Design").narrow();
    let saved = edit::save(&here, &sent, read, write).await?;
    let shown = |stored: &Values, faults: &Faults| form(&here, &sent.given, stored, faults);
    answer(&here, saved, page, &LABELS, &shown, read, ("design", "The design was saved."))
}

/// The answer to a save of any form over the API's object.
pub(super) fn answer(
    here: &Here,
    saved: Saved,
    page: Page,
    labels: &[(&'static str, &'static str)],
    form: &dyn Fn(&Values, &Faults) -> Form,
    read: fn(&ApiDocument) -> Values,
    (end, done): (&str, &str),
) -> Result<Answer, PageError> {
    match saved {
        Saved::Done => here.done(end, done),
        Saved::Refused(faults) => {
            let stored = edit::normal(read(&here.api));
            let page = page.faulty(true).add(&form(&stored, &faults));
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page)
        }
        Saved::Conflicts(conflicts, stored) => {
            let conflicts: Vec<Conflict> = conflicts;
            let page = edit::explain(page.faulty(true), here, &conflicts, labels).add(&form(&stored, &Faults::none()));
            here.frame.answer_with(StatusCode::CONFLICT, page)
        }
    }
}

/// The methods that a resource may have.
const VERBS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

fn verbs(kind: &str) -> &'static [&'static str] {
    match kind {
        "WS" => &["PUBLISH", "SUBSCRIBE"],
        "SSE" | "WEBSUB" => &["SUBSCRIBE"],
        "SOAP" => &["POST"],
        _ => &VERBS,
    }
}

/// Where one resource is changed.
fn resource_path(here: &Here, end: &str, verb: &str, target: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("verb", verb)
        .append_pair("target", target)
        .finish();
    format!("{}?{query}", here.path(end))
}

/// The list of resources.
pub(super) async fn resources(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "resources").await?;
    let columns = ["Resource", "Sign-in", "Scopes", "Limit"].map(Column::new).into_iter().chain([Column::actions()]);
    let mut table = Table::new("Resources", columns.collect())
        .empty(Empty::new("No resources", "Nothing can be called. Add one below, or replace the definition."));
    for operation in here.api.operations() {
        let (verb, target) = (text(operation, "verb"), text(operation, "target"));
        let scopes: Vec<&str> =
            operation.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        table.row(vec![
            Link::html(format!("{verb} {target}"), resource_path(&here, "resources/edit", verb, target)),
            Html::text(if text(operation, "authType") == "None" { "Open to everybody" } else { "Needed" }),
            if scopes.is_empty() { Html::muted("None") } else { Html::text(scopes.join(", ")) },
            Html::text(text(operation, "throttlingPolicy")),
            Link::html(format!("Delete {verb} {target}"), resource_path(&here, "resources/delete", verb, target)),
        ]);
    }
    let verb =
        verbs(here.api.kind()).iter().fold(Field::select("verb", "Method"), |field, verb| field.option(verb, verb));
    let add = Form::new(&here.frame.csrf, here.path("resources"), "Add resource")
        .field(verb)
        .field(Field::text("target", "Path").required().hint("As in /orders/{id}; /* is everything below."))
        .quiet();
    here.frame.answer(
        here.page("Resources")
            .lead("What can be called, and by whom.")
            .add(&table)
            .heading("Add a resource", "")
            .add(&add),
    )
}

/// Adds one.
pub(super) async fn add(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "resources").await?;
    let fields = Fields::of(&call)?;
    let (verb, target) = (fields.text("verb"), fields.text("target").trim());
    let page = here.below("Add a resource", "resources").narrow();
    let shown = |faults: &Faults| {
        let verbs = verbs(here.api.kind()).iter();
        let verbs = verbs.fold(Field::select("verb", "Method").value(verb), |field, verb| field.option(verb, verb));
        Form::new(&here.frame.csrf, here.path("resources"), "Add resource")
            .faults(faults)
            .field(verbs)
            .field(
                Field::text("target", "Path")
                    .value(target)
                    .required()
                    .hint("As in /orders/{id}; /* is everything below."),
            )
            .back("Cancel", here.path("resources"))
    };
    let nothing = Sent::of(&fields, []);
    let saved = edit::save(
        &here,
        &nothing,
        |_| Values::new(),
        |api, _, faults| {
            if !target.starts_with('/') {
                return faults.add("target", "Begin the path with a slash.");
            }
            if find(api, verb, target).is_some() {
                return faults.add("target", "There is a resource with this method and path already.");
            }
            let mut operations = api.operations().to_vec();
            operations.push(json!({"verb": verb, "target": target}));
            api.set("operations", operations);
        },
    );
    match saved.await? {
        Saved::Refused(faults) => {
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page.faulty(true).add(&shown(&faults)))
        }
        Saved::Done | Saved::Conflicts(..) => {
            here.done("resources", &format!("{verb} {target} was added. Deploy a new revision to serve it."))
        }
    }
}

fn find(api: &ApiDocument, verb: &str, target: &str) -> Option<usize> {
    api.operations().iter().position(|o| text(o, "verb") == verb && text(o, "target") == target)
}

const RESOURCE_LABELS: [(&str, &str); 3] =
    [("authType", "Sign-in"), ("scopes", "Scopes"), ("throttlingPolicy", "Limit")];

fn operation<'a>(api: &'a ApiDocument, verb: &str, target: &str) -> Option<&'a Value> {
    find(api, verb, target).and_then(|index| api.operations().get(index))
}

fn read_resource(api: &ApiDocument, verb: &str, target: &str) -> Values {
    let missing = Value::Null;
    let operation = operation(api, verb, target).unwrap_or(&missing);
    let scopes = operation.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    Values::from([
        ("authType", if text(operation, "authType") == "None" { "None" } else { "Needed" }.to_owned()),
        ("scopes", scopes.collect::<Vec<_>>().join("\n")),
        ("throttlingPolicy", text(operation, "throttlingPolicy").to_owned()),
    ])
}

fn write_resource(api: &mut ApiDocument, (verb, target): (&str, &str), values: &Values, faults: &mut Faults) {
    let Some(index) = find(api, verb, target) else {
        return faults.add("", format!("{verb} {target} was removed in the meantime."));
    };
    let mut operations = api.operations().to_vec();
    if let Some(Value::Object(fields)) = operations.get_mut(index) {
        let value = |name: &str| values.get(name).cloned().unwrap_or_default();
        let open = value("authType") == "None";
        let before =
            fields.get("authType").and_then(Value::as_str).filter(|a| *a != "None" && !open).map(str::to_owned);
        let auth = if open {
            "None".to_owned()
        } else {
            before.unwrap_or_else(|| "Application & Application User".to_owned())
        };
        fields.insert("authType".to_owned(), auth.into());
        let scopes: Vec<Value> = value("scopes").lines().filter(|s| !s.is_empty()).map(Value::from).collect();
        fields.insert("scopes".to_owned(), scopes.into());
        fields.insert("throttlingPolicy".to_owned(), value("throttlingPolicy").into());
    }
    api.set("operations", operations);
}

/// Names of the scopes that the API declares.
fn scope_names(api: &ApiDocument) -> Vec<String> {
    let name = |entry: &Value| entry.get("scope").and_then(|s| s.get("name")?.as_str()).map(str::to_owned);
    api.items("scopes").iter().filter_map(name).collect()
}

async fn resource_form(
    here: &Here,
    at: (&str, &str),
    values: &Values,
    stored: &Values,
    faults: &Faults,
) -> Result<Form, PageError> {
    let value = |name: &str| values.get(name).map_or("", String::as_str);
    let names = scope_names(&here.api);
    let mut form = Form::new(&here.frame.csrf, resource_path(here, "resources/edit", at.0, at.1), "Save resource")
        .faults(faults)
        .field(
            Field::radios("authType", "Sign-in")
                .value(value("authType"))
                .choice("Needed", "Needed", "A token or key of a subscribed application.", false)
                .choice("None", "Open to everybody", "No token, no subscription, no plan.", false),
        );
    if !names.is_empty() {
        let chosen: Vec<&str> = value("scopes").lines().collect();
        let field = Field::checks("scopes", "Scopes").hint("A token needs one of those chosen.");
        form = form.field(
            names.iter().fold(field, |field, name| field.choice(name, name, "", chosen.contains(&name.as_str()))),
        );
    }
    let mut limit = Field::select("throttlingPolicy", "Limit")
        .value(value("throttlingPolicy"))
        .hint("For all callers of this resource together.");
    for policy in here.portal.control.advanced_policies(&here.actor).await? {
        limit = limit.option(text(&policy, "name"), text(&policy, "displayName"));
    }
    Ok(edit::remember(form.field(limit).back("Cancel", here.path("resources")), stored))
}

/// The form of one resource.
pub(super) async fn show_resource(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "resources").await?;
    let (verb, target) = (call.query("verb").unwrap_or_default(), call.query("target").unwrap_or_default());
    if find(&here.api, verb, target).is_none() {
        return Err(crate::pages::gone("There is no such resource (any more)."));
    }
    let values = edit::normal(read_resource(&here.api, verb, target));
    let page = here.below(&format!("{verb} {target}"), "resources").narrow();
    here.frame.answer(page.add(&resource_form(&here, (verb, target), &values, &values, &Faults::none()).await?))
}

/// Saves one resource.
pub(super) async fn send_resource(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "resources").await?;
    let at = (call.query("verb").unwrap_or_default(), call.query("target").unwrap_or_default());
    let sent = Sent::of(&Fields::of(&call)?, RESOURCE_LABELS.map(|(name, _)| name));
    let page = here.below(&format!("{} {}", at.0, at.1), "resources").narrow().faulty(true);
    let write = |api: &mut ApiDocument, values: &Values, faults: &mut Faults| write_resource(api, at, values, faults);
    match edit::save(&here, &sent, |api| read_resource(api, at.0, at.1), write).await? {
        Saved::Done => {
            here.done("resources", &format!("{} {} was saved. Deploy a new revision to serve it.", at.0, at.1))
        }
        Saved::Refused(faults) => {
            let stored = edit::normal(read_resource(&here.api, at.0, at.1));
            let form = resource_form(&here, at, &sent.given, &stored, &faults).await?;
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page.add(&form))
        }
        Saved::Conflicts(conflicts, stored) => {
            let form = resource_form(&here, at, &sent.given, &stored, &Faults::none()).await?;
            let page = edit::explain(page, &here, &conflicts, &RESOURCE_LABELS).add(&form);
            here.frame.answer_with(StatusCode::CONFLICT, page)
        }
    }
}

/// The question before a resource is removed.
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "resources").await?;
    let (verb, target) = (call.query("verb").unwrap_or_default(), call.query("target").unwrap_or_default());
    if find(&here.api, verb, target).is_none() {
        return Err(crate::pages::gone("There is no such resource (any more)."));
    }
    let action = resource_path(&here, "resources/delete", verb, target);
    let question = Confirmation::new(
        &here.frame.csrf,
        action,
        format!("Delete {verb} {target}"),
        here.path("resources"),
    )
    .loses(format!(
        "{verb} {target} with its limit, scopes and policies; from the next revision on it is answered with 404 or 405"
    ));
    here.frame.answer(here.below(&format!("Delete {verb} {target}"), "resources").narrow().add(&question))
}

/// Removes a resource.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "resources").await?;
    let (verb, target) = (call.query("verb").unwrap_or_default(), call.query("target").unwrap_or_default());
    let nothing = Sent::of(&Fields::of(&call)?, []);
    let saved = edit::save(
        &here,
        &nothing,
        |_| Values::new(),
        |api, _, faults| {
            let mut left = api.operations().to_vec();
            left.retain(|o| text(o, "verb") != verb || text(o, "target") != target);
            if left.is_empty() {
                return faults.add("", "It is the last resource: an API has at least one.");
            }
            api.set("operations", left);
        },
    );
    match saved.await? {
        Saved::Refused(faults) => Err(web::RestError::conflict(faults.first().unwrap_or_default()).into()),
        Saved::Done | Saved::Conflicts(..) => here.done("resources", &format!("{verb} {target} was deleted.")),
    }
}

/// An empty map of policies; a resource without any has these.
pub(super) fn no_policies() -> Map<String, Value> {
    ["request", "response", "fault"].map(|flow| (flow.to_owned(), json!([]))).into_iter().collect()
}
