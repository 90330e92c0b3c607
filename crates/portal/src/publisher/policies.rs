//! Policies of an API: what the gateway does with its calls. Forms are made from the catalogue of policies.

use std::sync::Arc;

use http::StatusCode;
use model::ApiDocument;
use serde_json::{Map, Value, json};
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::edit::{self, Saved, Sent, Values};
use super::{design, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Button, Column, Empty, Faults, Field, Form, Html, Link, Page, Table};

const FLOWS: [(&str, &str); 3] = [
    ("request", "On the way to the backend"),
    ("response", "On the way to the caller"),
    ("fault", "When something fails"),
];

/// Where policies are attached: the whole API, or one resource.
fn places(api: &ApiDocument) -> Vec<(String, Option<&Value>)> {
    let whole = std::iter::once((String::new(), api.get("apiPolicies")));
    let one = |o| (format!("{} {}", text(o, "verb"), text(o, "target")), Value::get(o, "operationPolicies"));
    whole.chain(api.operations().iter().map(one)).collect()
}

fn attached<'a>(policies: Option<&'a Value>, flow: &str) -> &'a [Value] {
    policies.and_then(|p| p.get(flow)?.as_array()).map_or(&[], Vec::as_slice)
}

/// What is attached where.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "policies").await?;
    let columns = ["Policy", "Where", "When", "Settings"].map(Column::new).into_iter().chain([Column::actions()]);
    let mut table = Table::new("Policies", columns.collect()).empty(Empty::new(
        "No policies attached",
        "Calls pass as they are. Choose one below: add a header, rewrite a path, refuse threats.",
    ));
    for (place, policies) in places(&here.api) {
        for (flow, when) in FLOWS {
            for (index, one) in attached(policies, flow).iter().enumerate() {
                let name = text(one, "policyName");
                let remove = Button::new(&here.frame.csrf, here.path("policies/remove"), "Remove")
                    .of(name)
                    .with("place", &place)
                    .with("flow", flow)
                    .with("index", index.to_string())
                    .with("name", name);
                table.row(vec![
                    Html::text(name),
                    if place.is_empty() { Html::text("Every resource") } else { Html::mono(&place) },
                    Html::text(when),
                    Html::text(settings(one)),
                    remove.html(),
                ]);
            }
        }
    }
    let mut catalogue = Table::new("Catalogue", ["Policy", "What it does"].map(Column::new).into());
    for policy in portal.control.api_policies(&here.actor, here.id).await? {
        let (id, name) = (text(&policy, "id"), text(&policy, "displayName"));
        catalogue.row(vec![
            Link::html(name, here.path(&format!("policies/{id}"))),
            Html::text(text(&policy, "description")),
        ]);
    }
    let page = here.page("Policies").lead("What the gateway does with calls, beside forwarding them.");
    here.frame.answer(page.add(&table).heading("Attach a policy", "").add(&catalogue))
}

/// The settings in short; never those that are sealed.
fn settings(one: &Value) -> String {
    let parameters = one.get("parameters").and_then(Value::as_object);
    let show = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!value.is_empty() && !value.starts_with("sealed")).then(|| format!("{name}: {value}"))
    };
    parameters.into_iter().flatten().filter_map(show).collect::<Vec<_>>().join(", ")
}

fn attributes(policy: &Value) -> &[Value] {
    policy.get("policyAttributes").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The form of a policy, from what it says about itself. Fields of attributes begin with `a.`, so that none is taken for
/// one of ours.
fn form(here: &Here, policy: &Value, given: &dyn Fn(&str) -> Option<String>, faults: &Faults) -> Form {
    let flows: Vec<&str> = policy
        .get("applicableFlows")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let first = flows.first().copied().unwrap_or_default().to_owned();
    let when = FLOWS.iter().filter(|(flow, _)| flows.contains(flow));
    let when = when
        .fold(Field::radios("flow", "When").value(&given("flow").unwrap_or(first)), |field, (flow, label)| {
            field.option(flow, label)
        });
    let mut place =
        Field::select("place", "Where").value(&given("place").unwrap_or_default()).option("", "Every resource");
    for (name, _) in places(&here.api).into_iter().skip(1) {
        place = place.option(&name, &name);
    }
    let mut form = Form::new(
        &here.frame.csrf,
        here.path(&format!("policies/{}", text(policy, "id"))),
        format!("Attach {}", text(policy, "displayName")),
    )
    .faults(faults)
    .field(when)
    .field(place);
    for attribute in attributes(policy) {
        form = form.field(field(attribute, given));
    }
    form.back("Cancel", here.path("policies"))
}

/// The name of an attribute for people.
fn label(attribute: &Value) -> &str {
    match text(attribute, "displayName") {
        "" => text(attribute, "name"),
        label => label,
    }
}

fn field(attribute: &Value, given: &dyn Fn(&str) -> Option<String>) -> Field {
    let name = format!("a.{}", text(attribute, "name"));
    let label = label(attribute);
    let value = given(&name).unwrap_or_else(|| text(attribute, "defaultValue").to_owned());
    let field = match text(attribute, "type").to_ascii_lowercase().as_str() {
        "boolean" => Field::check(&name, label, value == "on" || value.eq_ignore_ascii_case("true")),
        "secret" => Field::secret(&name, label),
        "enum" => {
            let allowed = attribute
                .get("allowedValues")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            allowed.fold(Field::select(&name, label).value(&value), |field, one| field.option(one, one))
        }
        _ => Field::text(&name, label).value(&value),
    };
    let field = field.hint(text(attribute, "description"));
    if attribute.get("required").and_then(Value::as_bool).unwrap_or(false) { field.required() } else { field }
}

/// The policy that the path names.
async fn wanted(here: &Here, call: &Call) -> Result<Value, PageError> {
    let id = call.path("policy")?;
    let found = here.portal.control.api_policies(&here.actor, here.id).await?.into_iter().find(|p| text(p, "id") == id);
    found.ok_or_else(|| crate::pages::gone("There is no such policy (any more)."))
}

fn attach_page(here: &Here, policy: &Value) -> Page {
    here.below(text(policy, "displayName"), "policies").lead(text(policy, "description")).narrow()
}

/// The form of one policy.
pub(super) async fn choose(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "policies").await?;
    let policy = wanted(&here, &call).await?;
    here.frame.answer(attach_page(&here, &policy).add(&form(&here, &policy, &|_| None, &Faults::none())))
}

/// The list of policies of a place and a flow, to be changed.
fn change(api: &mut ApiDocument, place: &str, flow: &str, act: impl FnOnce(&mut Vec<Value>)) -> bool {
    let list_of = |policies: &mut Map<String, Value>, act: &mut dyn FnMut(&mut Vec<Value>)| {
        if let Value::Array(list) = policies.entry(flow.to_owned()).or_insert_with(|| json!([])) {
            act(list);
        }
    };
    let mut act = Some(act);
    let mut act = |list: &mut Vec<Value>| {
        if let Some(act) = act.take() {
            act(list);
        }
    };
    if place.is_empty() {
        let mut policies =
            api.get("apiPolicies").and_then(Value::as_object).cloned().unwrap_or_else(design::no_policies);
        list_of(&mut policies, &mut act);
        api.set("apiPolicies", Value::Object(policies));
        return true;
    }
    let mut operations = api.operations().to_vec();
    let found = operations.iter_mut().find(|o| format!("{} {}", text(o, "verb"), text(o, "target")) == place);
    let Some(Value::Object(fields)) = found else { return false };
    let mut policies =
        fields.get("operationPolicies").and_then(Value::as_object).cloned().unwrap_or_else(design::no_policies);
    list_of(&mut policies, &mut act);
    fields.insert("operationPolicies".to_owned(), Value::Object(policies));
    api.set("operations", operations);
    true
}

/// The parameters of a policy as its form gives them.
fn parameters(policy: &Value, fields: &Fields) -> Map<String, Value> {
    let mut parameters = Map::new();
    for attribute in attributes(policy) {
        let name = text(attribute, "name");
        let given = fields.text(&format!("a.{name}"));
        if text(attribute, "type").eq_ignore_ascii_case("boolean") {
            parameters.insert(name.to_owned(), (given == "on").into());
        } else if !given.is_empty() {
            parameters.insert(name.to_owned(), given.into());
        }
    }
    parameters
}

/// Attaches one.
pub(super) async fn attach(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "policies").await?;
    let policy = wanted(&here, &call).await?;
    let fields = Fields::of(&call)?;
    let (place, flow) = (fields.text("place"), fields.text("flow"));
    let parameters = parameters(&policy, &fields);
    let mut missing = Faults::none();
    for attribute in attributes(&policy) {
        let name = text(attribute, "name");
        if attribute.get("required").and_then(Value::as_bool).unwrap_or(false) && !parameters.contains_key(name) {
            missing.add(format!("a.{name}"), format!("{} is needed.", label(attribute)));
        }
    }
    let faults = if missing.is_empty() {
        let one = json!({
            "policyName": text(&policy, "name"),
            "policyVersion": text(&policy, "version"),
            "policyId": text(&policy, "id"),
            "parameters": parameters,
        });
        let write = |api: &mut ApiDocument, _: &Values, faults: &mut Faults| {
            if !FLOWS.iter().any(|(known, _)| *known == flow) {
                faults.add("flow", "Choose when it runs.");
            } else if !change(api, place, flow, |list| list.push(one.clone())) {
                faults.add("place", "There is no such resource any more.");
            }
        };
        match edit::save(&here, &Sent::of(&fields, []), |_| Values::new(), write).await? {
            Saved::Refused(faults) => faults,
            Saved::Done | Saved::Conflicts(..) => {
                return here.done(
                    "policies",
                    &format!("{} was attached. Deploy a new revision to use it.", text(&policy, "displayName")),
                );
            }
        }
    } else {
        missing
    };
    let given = |name: &str| Some(fields.text(name).to_owned());
    let page = attach_page(&here, &policy).faulty(true).add(&form(&here, &policy, &given, &faults));
    here.frame.answer_with(StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// Takes one off.
pub(super) async fn remove(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "policies").await?;
    let fields = Fields::of(&call)?;
    let (place, flow, name) = (fields.text("place"), fields.text("flow"), fields.text("name"));
    let index: usize =
        fields.text("index").parse().map_err(|_| web::RestError::bad_request("The form is not whole."))?;
    let write = |api: &mut ApiDocument, _: &Values, faults: &mut Faults| {
        let mut gone = false;
        // Somebody else may have taken another one off meanwhile: only the one with this name at this place goes.
        change(api, place, flow, |list| {
            if list.get(index).is_some_and(|one| text(one, "policyName") == name) {
                list.remove(index);
                gone = true;
            }
        });
        if !gone {
            faults.add("", "The policies were changed in the meantime. Look at them again.");
        }
    };
    match edit::save(&here, &Sent::of(&fields, []), |_| Values::new(), write).await? {
        Saved::Refused(faults) => Err(web::RestError::conflict(faults.first().unwrap_or_default()).into()),
        Saved::Done | Saved::Conflicts(..) => here.done("policies", &format!("{name} was removed.")),
    }
}
