//! Scopes that an API declares: names that tokens carry, and the roles that may have them.

use std::sync::Arc;

use http::StatusCode;
use model::ApiDocument;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::edit::{self, Saved, Sent, Values};
use super::text;
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Badge, Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Page, Table, Tone};

const NONE: &Value = &Value::Null;

/// The scope within an entry of the API's list.
fn scope(entry: &Value) -> &Value {
    entry.get("scope").unwrap_or(NONE)
}

fn roles(entry: &Value) -> String {
    let bindings = scope(entry).get("bindings").and_then(Value::as_array);
    bindings.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// Resources that need a scope, as in `GET /menu`.
fn uses(api: &ApiDocument, name: &str) -> Vec<String> {
    let needs =
        |o: &&Value| o.get("scopes").and_then(Value::as_array).into_iter().flatten().any(|s| s.as_str() == Some(name));
    api.operations().iter().filter(needs).map(|o| format!("{} {}", text(o, "verb"), text(o, "target"))).collect()
}

fn page(here: &Here, given: &dyn Fn(&str) -> String, faults: &Faults) -> Page {
    let columns = ["Scope", "Roles", "Needed by"].map(Column::new).into_iter().chain([Column::actions()]);
    let mut table = Table::new("Scopes", columns.collect()).empty(Empty::new(
        "No scopes yet",
        "Without them, every subscribed application may call every resource. Add one, then choose it at a resource.",
    ));
    for entry in here.api.items("scopes") {
        let name = text(scope(entry), "name");
        let shared = entry.get("shared").and_then(Value::as_bool).unwrap_or(false);
        let label = Html::mono(name);
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
        table.row(vec![
            if shared { Html::join([label, Badge::html("Shared", Tone::Accent)]) } else { label },
            Html::text(roles(entry)),
            Html::text(uses(&here.api, name).join(", ")),
            Link::html(format!("Delete {name}"), format!("{}?{query}", here.path("scopes/delete"))),
        ]);
    }
    let form = Form::new(&here.frame.csrf, here.path("scopes"), "Add scope")
        .faults(faults)
        .field(
            Field::text("name", "Name").value(&given("name")).required().max(255).hint("As in menu:read; no blanks."),
        )
        .field(Field::text("displayName", "Name for people").value(&given("displayName")).max(255))
        .field(Field::text("description", "What it allows").value(&given("description")).max(512))
        .field(
            Field::text("roles", "Roles")
                .value(&given("roles"))
                .hint("Separated by commas. Only people with one of them get the scope; empty: everybody who asks."),
        )
        .quiet();
    here.page("Scopes")
        .lead("A token carries scopes; a resource can need one.")
        .faulty(!faults.is_empty())
        .add(&table)
        .heading("Add a scope", "")
        .add(&form)
}

/// The list and the form.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "scopes").await?;
    here.frame.answer(page(&here, &|_| String::new(), &Faults::none()))
}

/// Adds one.
pub(super) async fn add(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "scopes").await?;
    let fields = Fields::of(&call)?;
    let given = |name: &str| fields.text(name).trim().to_owned();
    let name = given("name");
    let label = match given("displayName") {
        empty if empty.is_empty() => name.clone(),
        label => label,
    };
    let entry = json!({
        "scope": {
            "id": null,
            "name": name,
            "displayName": label,
            "description": given("description"),
            "bindings": super::list(&given("roles")),
        },
        "shared": false,
    });
    let write = |api: &mut ApiDocument, _: &Values, faults: &mut Faults| {
        if name.is_empty() {
            return faults.add("name", "Enter a name.");
        }
        let mut scopes = api.items("scopes").to_vec();
        if scopes.iter().any(|known| text(scope(known), "name") == name) {
            return faults.add("name", "This API has a scope of that name already.");
        }
        scopes.push(entry.clone());
        api.set("scopes", scopes);
    };
    let nothing = Sent::of(&fields, []);
    match edit::save(&here, &nothing, |_| Values::new(), write).await? {
        Saved::Refused(faults) => {
            here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page(&here, &given, &faults))
        }
        Saved::Done | Saved::Conflicts(..) => {
            here.done("scopes", &format!("{name} was added. Choose it at the resources that need it."))
        }
    }
}

/// The question before one is removed.
pub(super) async fn ask_delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "scopes").await?;
    let name = call.query("name").unwrap_or_default();
    if !here.api.items("scopes").iter().any(|entry| text(scope(entry), "name") == name) {
        return Err(crate::pages::gone("There is no such scope (any more)."));
    }
    let title = format!("Delete {name}");
    let mut question =
        Confirmation::new(&here.frame.csrf, here.path("scopes/delete"), title.clone(), here.path("scopes"))
            .with("name", name)
            .loses("The scope with its roles");
    for resource in uses(&here.api, name) {
        question = question.loses(format!("The protection of {resource} by it"));
    }
    here.frame.answer(here.below(&title, "scopes").narrow().add(&question))
}

/// Removes one, from the resources that need it, too.
pub(super) async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "scopes").await?;
    let fields = Fields::of(&call)?;
    let name = fields.text("name");
    let write = |api: &mut ApiDocument, _: &Values, _: &mut Faults| {
        let mut scopes = api.items("scopes").to_vec();
        scopes.retain(|entry| text(scope(entry), "name") != name);
        api.set("scopes", scopes);
        let mut operations = api.operations().to_vec();
        for operation in &mut operations {
            if let Some(Value::Array(needed)) = operation.get_mut("scopes") {
                needed.retain(|scope| scope.as_str() != Some(name));
            }
        }
        api.set("operations", operations);
    };
    let nothing = Sent::of(&fields, []);
    match edit::save(&here, &nothing, |_| Values::new(), write).await? {
        Saved::Refused(faults) => Err(web::RestError::conflict(faults.first().unwrap_or_default()).into()),
        Saved::Done | Saved::Conflicts(..) => here.done("scopes", &format!("{name} was deleted.")),
    }
}
