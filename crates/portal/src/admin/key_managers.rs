//! Key managers: the resident one, and others whose tokens are accepted.

mod form;

use std::sync::Arc;

use control::Field as _;
use control::administration::key_managers as use_case;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::{Desk, address, entries, faulty, fingerprint, text};
use crate::page::PageError;
use crate::ui::{Badge, Card, Column, Confirmation, Facts, Faults, Field, Form, Html, Link, Notice, Page, Table, Tone};
use crate::{Portal, get, post};

/// As the Admin REST API asks.
pub(super) const MANAGE: &[&str] = &["apim:admin", "apim:admin_operations"];
const LIST: &str = "/admin/key-managers";
const NEW: &str = "/admin/key-managers/new";
const DISCOVER: &str = "/admin/key-managers/discover";
const ONE: &str = "/admin/key-managers/{id}";
const DELETE: &str = "/admin/key-managers/{id}/delete";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.key_managers", LIST, "Key managers"), MANAGE, list)
        .page(get("portal.admin.key_managers.form", NEW, "Form for a key manager"), MANAGE, new)
        .page(post("portal.admin.key_managers.create", NEW, "Register a key manager"), MANAGE, create)
        .page(post("portal.admin.key_managers.discover", DISCOVER, "Read a discovery document"), MANAGE, discover)
        .page(get("portal.admin.key_managers.edit", ONE, "A key manager"), MANAGE, edit)
        .page(post("portal.admin.key_managers.update", ONE, "Change a key manager"), MANAGE, update)
        .page(get("portal.admin.key_managers.ask", DELETE, "Question before a key manager is removed"), MANAGE, ask)
        .page(post("portal.admin.key_managers.delete", DELETE, "Remove a key manager"), MANAGE, delete)
}

fn connector(kind: &str) -> Option<Value> {
    use_case::connectors().into_iter().find(|one| text(one, "type") == kind)
}

fn kind_label(kind: &str) -> String {
    match connector(kind) {
        Some(found) => text(&found, "displayName").to_owned(),
        None => "Resident".to_owned(),
    }
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    let managers = entries(use_case::list(&portal.control, &desk.actor).await?);
    let columns = vec![Column::new("Name"), Column::new("Kind"), Column::new("State"), Column::new("Description")];
    let mut table = Table::new("Key managers", columns);
    for one in &managers {
        let on = one.at("enabled").as_bool().unwrap_or(true);
        table.row(vec![
            Link::html(text(one, "name"), format!("{LIST}/{}", text(one, "id"))),
            Html::text(kind_label(text(one, "type"))),
            if on { Badge::html("On", Tone::Ok) } else { Badge::html("Off", Tone::Plain) },
            Html::text(text(one, "description")),
        ]);
    }
    let lead = "Whose access tokens the gateway accepts. The resident key manager is part of this server.";
    desk.frame.answer(Page::new("Key managers").lead(lead).action("Register a key manager", NEW).add(&table))
}

async fn new(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    let page = match call.query("type").and_then(connector) {
        Some(kind) => new_page(&desk, &kind, &json!({}), &Faults::none()),
        None => choose(),
    };
    desk.frame.answer(page)
}

/// The kind comes first: the form depends on it.
fn choose() -> Page {
    let mut kinds = Field::select("type", "Kind");
    for one in use_case::connectors() {
        kinds = kinds.option(text(&one, "type"), text(&one, "displayName"));
    }
    let form = Form::search(NEW, "Go on").field(kinds);
    Page::new("Register a key manager").crumb("Key managers", LIST).narrow().add(&form)
}

fn new_page(desk: &Desk<'_>, kind: &Value, typed: &Value, faults: &Faults) -> Page {
    let label = text(kind, "displayName");
    let discovery =
        Form::new(desk.csrf(), DISCOVER, "Fill in from discovery").quiet().hidden("type", text(kind, "type")).field(
            Field::url("url", "Discovery document")
                .id("discovery")
                .value(text(typed, "wellKnownEndpoint"))
                .hint("As in https://login.example.com/.well-known/openid-configuration. This server reads it."),
        );
    Page::new(format!("Register {label}")).crumb("Key managers", LIST).narrow().add(&discovery).add(&form::form(
        desk.csrf(),
        kind,
        typed,
        None,
        faults,
    ))
}

async fn discover(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    let fields = Fields::of(&call)?;
    let (url, kind) = (fields.text("url").trim(), fields.text("type"));
    let kind = connector(kind).ok_or_else(|| RestError::bad_request("There is no such kind of key manager."))?;
    let mut faults = Faults::none();
    match use_case::discover(&portal.control, url, text(&kind, "type")).await {
        Ok(found) if found.at("valid").as_bool() == Some(true) => {
            return desk.frame.answer(new_page(&desk, &kind, found.at("value"), &faults));
        }
        Ok(_) => faults.add("", "What is at this address is no discovery document: it names no issuer."),
        Err(error) => faults.add("", error.description),
    }
    faulty(&desk, new_page(&desk, &kind, &json!({"wellKnownEndpoint": url}), &faults))
}

async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    let fields = Fields::of(&call)?;
    let kind = connector(fields.text("type"));
    let kind = kind.ok_or_else(|| RestError::bad_request("There is no such kind of key manager."))?;
    let input = form::read(&kind, &fields, json!({"type": kind.at("type")}));
    match use_case::create(&portal.control, &desk.actor, &input).await {
        Ok(made) => desk
            .frame
            .done(LIST, &format!("{} is registered. Its tokens are accepted from now on.", text(&made, "name"))),
        Err(error) => {
            let faults = form::faults(error)?;
            faulty(&desk, new_page(&desk, &kind, &form::without_secrets(&kind, input), &faults))
        }
    }
}

async fn edit(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    let stored = use_case::get(&portal.control, &desk.actor, call.path("id")?).await?;
    let page = match connector(text(&stored, "type")) {
        Some(kind) => edit_page(&desk, &kind, &stored, &fingerprint(&stored), &Faults::none()),
        None => resident(&stored),
    };
    desk.frame.answer(page)
}

/// The key manager of this server follows the configuration: there is nothing to change here.
fn resident(stored: &Value) -> Page {
    let mut facts = Facts::new();
    for (name, field) in [
        ("Issuer", "issuer"),
        ("Tokens", "tokenEndpoint"),
        ("Authorisation", "authorizeEndpoint"),
        ("Revocation", "revokeEndpoint"),
        ("Introspection", "introspectionEndpoint"),
        ("User info", "userInfoEndpoint"),
    ] {
        facts = facts.fact(name, Html::mono(text(stored, field)));
    }
    facts = facts.fact("Keys", Html::mono(text(stored.at("certificates"), "value")));
    let notice = Notice::new(
        Tone::Plain,
        "It follows the configuration",
        "Lifetimes, grant types and signing keys are settings of [oauth] in deployment.toml.",
    )
    .html(Link::html("Settings of [oauth]", address("/admin/settings", &[("query", "oauth.")]).trim_end_matches('&')));
    Page::new(text(stored, "name")).crumb("Key managers", LIST).add(&notice).add(&Card::new("Addresses").add(&facts))
}

fn edit_page(desk: &Desk<'_>, kind: &Value, stored: &Value, seen: &str, faults: &Faults) -> Page {
    Page::new(text(stored, "name"))
        .crumb("Key managers", LIST)
        .narrow()
        .add(&form::form(desk.csrf(), kind, stored, Some(seen), faults))
        .html(Link::html("Remove this key manager", format!("{LIST}/{}/delete", text(stored, "id"))))
}

async fn update(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    let fields = Fields::of(&call)?;
    let stored = use_case::get(&portal.control, &desk.actor, call.path("id")?).await?;
    let kind = connector(text(&stored, "type"));
    let kind = kind.ok_or_else(|| RestError::conflict("The resident key manager follows the configuration."))?;
    let present = fingerprint(&stored);
    let input = form::read(&kind, &fields, stored.clone());
    let mut faults = Faults::none();
    if fields.text("seen") == present {
        match use_case::update(&portal.control, &desk.actor, call.path("id")?, &input).await {
            Ok(_) => return desk.frame.done(LIST, &format!("{} was saved.", text(&stored, "name"))),
            Err(error) => faults = form::faults(error)?,
        }
    } else {
        faults.add("", "Somebody changed this key manager meanwhile. The form keeps what you typed; save again to replace what is stored.");
    }
    faulty(&desk, edit_page(&desk, &kind, &form::without_secrets(&kind, input), &present, &faults))
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    let stored = use_case::get(&portal.control, &desk.actor, call.path("id")?).await?;
    let one = format!("{LIST}/{}", text(&stored, "id"));
    let label = format!("Remove {}", text(&stored, "name"));
    let confirmation = Confirmation::new(desk.csrf(), format!("{one}/delete"), &label, &one)
        .loses("Its tokens are refused by every gateway from that moment.")
        .loses("The credentials with which this server talks to it.")
        .loses("It stays while applications have keys of it; the page says then how many.");
    desk.frame.answer(Page::new(format!("{label}?")).crumb("Key managers", LIST).narrow().add(&confirmation))
}

async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "key-managers");
    use_case::delete(&portal.control, &desk.actor, call.path("id")?).await?;
    desk.frame.done(LIST, "The key manager was removed.")
}
