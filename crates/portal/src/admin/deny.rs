//! The deny list: what the gateway refuses whatever else holds.

use std::sync::Arc;

use control::Field as _;
use control::administration::deny as use_case;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::{Desk, entries, faulty, text};
use crate::page::PageError;
use crate::ui::{
    Badge, Button, Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Page, Pager, Table, Tone,
};
use crate::{Portal, get, post};

/// As the Admin REST API asks.
pub(super) const VIEW: &[&str] = &["apim:admin", "apim:bl_view"];
const MANAGE: &[&str] = &["apim:admin", "apim:bl_manage"];
const LIST: &str = "/admin/deny";
const NEW: &str = "/admin/deny/new";
const STATUS: &str = "/admin/deny/{id}/status";
const DELETE: &str = "/admin/deny/{id}/delete";

/// WSO2's kinds of conditions, what people call them, and what is typed.
const KINDS: [(&str, &str, &str); 5] = [
    ("API", "API", "Its context with the version, as in /pizza/1.0.0."),
    ("APPLICATION", "Application", "Owner and name, as in alice:Shop."),
    ("USER", "User", "A user name, with @ and the tenant outside the super tenant."),
    ("IP", "Address or network", "As in 192.0.2.7 or 2001:db8::/32."),
    ("IPRANGE", "Range of addresses", "The first address; the last one goes below."),
];

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.deny", LIST, "The deny list"), VIEW, list)
        .page(get("portal.admin.deny.form", NEW, "Form for the deny list"), MANAGE, form)
        .page(post("portal.admin.deny.create", NEW, "Add to the deny list"), MANAGE, create)
        .page(post("portal.admin.deny.status", STATUS, "Switch an entry on or off"), MANAGE, status)
        .page(get("portal.admin.deny.ask", DELETE, "Question before an entry is deleted"), MANAGE, ask)
        .page(post("portal.admin.deny.delete", DELETE, "Delete an entry"), MANAGE, delete)
}

fn kind(value: &str) -> &'static str {
    KINDS.iter().find(|(key, ..)| *key == value).map_or("Other", |(_, label, _)| label)
}

/// A condition in words.
fn words(policy: &Value) -> String {
    let value = policy.at("conditionValue");
    let except = if value.at("invert").as_bool().unwrap_or(false) { "all but " } else { "" };
    match value {
        Value::String(text) => text.clone(),
        _ if value.get("fixedIp").is_some() => format!("{except}{}", text(value, "fixedIp")),
        _ => format!("{except}{} to {}", text(value, "startingIp"), text(value, "endingIp")),
    }
}

fn is_on(policy: &Value) -> bool {
    policy.at("conditionStatus").as_bool().unwrap_or(false)
}

async fn all(desk: &Desk<'_>) -> Result<Vec<Value>, PageError> {
    Ok(entries(use_case::list(&desk.portal.control, &desk.actor, "").await?))
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "deny");
    let (shown, pager) = Pager::cut(all(&desk).await?, call.query_or("from", 0)?, 50, "/admin/deny?");
    let columns = vec![Column::new("Refused"), Column::new("Kind"), Column::new("State"), Column::actions()];
    let mut table = Table::new("Deny list", columns).pager(pager).empty(
        Empty::new(
            "Nothing is refused",
            "An entry shuts out an API, an application, a user or an address at every gateway, at once.",
        )
        .action("Add an entry", NEW),
    );
    for policy in &shown {
        let (id, what, on) = (text(policy, "conditionId"), words(policy), is_on(policy));
        let label = if on { "Switch off" } else { "Switch on" };
        let switch = Button::new(desk.csrf(), format!("{LIST}/{id}/status"), label).of(&what);
        let switch = switch.with("on", if on { "" } else { "on" }).html();
        table.row(vec![
            Html::mono(&what),
            Html::text(kind(text(policy, "conditionType"))),
            if on { Badge::html("Refused", Tone::Bad) } else { Badge::html("Off", Tone::Plain) },
            Html::join([switch, Link::html(format!("Delete {what}"), format!("{LIST}/{id}/delete"))]),
        ]);
    }
    desk.frame.answer(Page::new("Deny list").action("Add an entry", NEW).add(&table))
}

async fn form(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "deny");
    desk.frame.answer(new_page(&desk, &|_| "", &Faults::none()))
}

fn new_page<'f>(desk: &Desk<'_>, typed: &dyn Fn(&str) -> &'f str, faults: &Faults) -> Page {
    let mut kinds = Field::radios("kind", "What is refused").required();
    for (value, label, hint) in KINDS {
        kinds = kinds.choice(value, label, hint, typed("kind") == value);
    }
    let form = Form::new(desk.csrf(), NEW, "Refuse it")
        .faults(faults)
        .field(kinds)
        .field(Field::text("value", "Value").value(typed("value")).required().max(300))
        .field(Field::text("end", "Last address").value(typed("end")).hint("For a range only.").max(64))
        .field(Field::check("invert", "Refuse all others instead (for addresses)", !typed("invert").is_empty()))
        .back("Cancel", LIST);
    Page::new("Add to the deny list")
        .crumb("Deny list", LIST)
        .lead("It holds at every gateway as soon as you send this.")
        .narrow()
        .add(&form)
}

async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "deny");
    let fields = Fields::of(&call)?;
    let typed = |name: &str| fields.text(name).trim();
    let (kind, value) = (typed("kind"), typed("value"));
    let mut faults = Faults::none();
    if kind.is_empty() {
        faults.add("kind", "Choose what is refused.");
    }
    if value.is_empty() {
        faults.add("value", "Write what is refused.");
    }
    let invert = fields.get("invert").is_some();
    let condition = match kind {
        "IP" => json!({"fixedIp": value, "invert": invert}),
        "IPRANGE" => json!({"startingIp": value, "endingIp": typed("end"), "invert": invert}),
        _ => json!(value),
    };
    if faults.is_empty() {
        let input = json!({"conditionType": kind, "conditionValue": condition, "conditionStatus": true});
        match use_case::create(&portal.control, &desk.actor, &input).await {
            Ok(made) => return desk.frame.done(LIST, &format!("{} is refused from now on.", words(&made))),
            // WSO2 answers 500 to a condition that matches nothing, and so does the REST API; here it is the form's.
            Err(error) if error.code == 900_967 => faults.add("value", error.description),
            Err(error) => faults = Faults::of(error)?,
        }
    }
    faulty(&desk, new_page(&desk, &typed, &faults))
}

async fn find(desk: &Desk<'_>, call: &Call) -> Result<Value, PageError> {
    let wanted = call.path("id")?;
    let found = all(desk).await?.into_iter().find(|policy| text(policy, "conditionId") == wanted);
    Ok(found.ok_or_else(|| RestError::not_found("This entry is not on the list any more."))?)
}

async fn status(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "deny");
    let policy = find(&desk, &call).await?;
    let on = Fields::of(&call)?.text("on") == "on";
    let input = json!({"conditionStatus": on});
    use_case::set_status(&portal.control, &desk.actor, call.path_id("id")?, &input).await?;
    let text = if on { "is refused from now on" } else { "is let through again" };
    desk.frame.done(LIST, &format!("{} {text}.", words(&policy)))
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "deny");
    let policy = find(&desk, &call).await?;
    let label = format!("Delete the entry {}", words(&policy));
    let path = format!("{LIST}/{}/delete", text(&policy, "conditionId"));
    let loss = if is_on(&policy) { "It is let through again at once." } else { "The entry itself; it is off already." };
    let confirmation = Confirmation::new(desk.csrf(), path, &label, LIST).loses(loss);
    desk.frame.answer(Page::new(format!("{label}?")).crumb("Deny list", LIST).narrow().add(&confirmation))
}

async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "deny");
    let policy = find(&desk, &call).await?;
    use_case::delete(&portal.control, &desk.actor, call.path_id("id")?).await?;
    desk.frame.done(LIST, &format!("{} is not on the list any more.", words(&policy)))
}
