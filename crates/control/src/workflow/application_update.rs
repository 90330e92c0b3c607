//! Changes of an application. The application keeps what it has until they are approved.

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::application::{self as applications, ApplicationRow};

use super::{Decision, Kind, Properties, Wish, WorkflowRule, application_properties, gone, park, update_entry};
use crate::application::create::exists;
use crate::field::Field;
use crate::{Actor, Control, ControlError, Effect};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_APPLICATION_UPDATE",
    element: "ApplicationUpdate",
    executor: "ApplicationUpdate",
    title: "Application update",
    properties: Properties::Attributes,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

/// Asks for what `wanted` has and `row` has not; a former request for the application is replaced. Returns the
/// application as it is now.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    (row, wanted): (ApplicationRow, &ApplicationRow),
    rule: &WorkflowRule,
) -> Result<ApplicationRow, ControlError> {
    let subject = row.id.to_string();
    store::repository::workflow::forget(work, &subject, Some(KIND.code)).await?;
    let mut properties = application_properties(&row, rule);
    properties.insert("updates".into(), json!(Value::Array(updates(&row, wanted, rule)).to_string()));
    let mut description = format!("Approve the changes of the application {} that {} wants.", row.name, actor.name());
    if !rule.shows_attributes() && row.attributes != wanted.attributes {
        description.push_str(" They change custom attributes too, which this tenant does not show here.");
    }
    let asked = json!({
        "name": wanted.name,
        "policy": wanted.policy,
        "description": wanted.description,
        "tokenType": wanted.token_type,
        "visibility": wanted.visibility,
        "groups": wanted.groups,
        "attributes": wanted.attributes,
    });
    let wish = Wish {
        kind: &KIND,
        tenant: row.tenant,
        application: Some(row.id),
        api: None,
        subject: ("application", subject),
        description,
        properties,
        asked: &asked,
    };
    park(control, work, actor, wish).await?;
    let row = ApplicationRow { status: "UPDATE_PENDING".to_owned(), updated: control.now(), ..row };
    applications::update(work, &row).await?;
    Ok(row)
}

fn updates(row: &ApplicationRow, wanted: &ApplicationRow, rule: &WorkflowRule) -> Vec<Value> {
    let mut found: Vec<Value> = [
        update_entry("Application Name", &row.name, &wanted.name),
        update_entry("Tier", &row.policy, &wanted.policy),
        update_entry("Description", &row.description, &wanted.description),
        update_entry("Groups", &row.groups.join(","), &wanted.groups.join(",")),
        update_entry("Sharing with the organization", sharing(row), sharing(wanted)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if rule.shows_attributes() {
        let names = [&row.attributes, &wanted.attributes].into_iter().filter_map(Value::as_object).flatten();
        let mut names: Vec<&String> = names.map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let text = |row: &ApplicationRow, name: &str| row.attributes.at(name).as_str().unwrap_or_default().to_owned();
        found.extend(names.into_iter().filter_map(|name| update_entry(name, &text(row, name), &text(wanted, name))));
    }
    found
}

fn sharing(row: &ApplicationRow) -> &'static str {
    if row.visibility == "SHARED_WITH_ORG" { "Enabled" } else { "Disabled" }
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let mut work = decision.open().await?;
    let found = applications::find(&mut work, decision.request.tenant, decision.application()?).await?;
    let mut row = found.ok_or_else(|| gone("The application"))?;
    let pending = row.status == "UPDATE_PENDING";
    if decision.approved {
        let asked = decision.asked();
        let text = |field: &str| asked.at(field).as_str().unwrap_or_default().to_owned();
        let namesake = applications::find_by_name(&mut work, row.tenant, &row.owner, &text("name")).await?;
        if namesake.is_some_and(|other| other.id != row.id) {
            return Err(exists(&text("name")));
        }
        let groups = asked.at("groups").as_array().map(Vec::as_slice).unwrap_or_default();
        row = ApplicationRow {
            name: text("name"),
            policy: text("policy"),
            description: text("description"),
            token_type: text("tokenType"),
            visibility: text("visibility"),
            groups: groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            attributes: asked.at("attributes").clone(),
            ..row
        };
    }
    if pending {
        (if decision.approved { "APPROVED" } else { "UPDATE_REJECTED" }).clone_into(&mut row.status);
    }
    row.updated = decision.control.now();
    applications::update(&mut work, &row).await?;
    decision.keep(work, Effect::Everything).await
}
