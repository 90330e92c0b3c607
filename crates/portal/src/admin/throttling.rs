//! Throttling policies of the four levels.

mod form;

use std::sync::Arc;

use control::Field as _;
use control::administration::{Level, throttling as use_case};
use model::PolicyId;
use serde_json::Value;
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::{Desk, entries, faulty, fingerprint, number, text};
use crate::page::{self, PageError};
use crate::ui::{Column, Confirmation, Empty, Faults, Html, Link, Page, Pager, Tab, Table};
use crate::{Portal, get, post};

/// Who sees policies, and who changes them; as the Admin REST API asks, without those who only publish APIs.
pub(super) const VIEW: &[&str] = &["apim:admin", "apim:admin_tier_view"];
const MANAGE: &[&str] = &["apim:admin", "apim:tier_manage"];
const LIST: &str = "/admin/throttling/{level}";
const NEW: &str = "/admin/throttling/{level}/new";
const ONE: &str = "/admin/throttling/{level}/{id}";
const DELETE: &str = "/admin/throttling/{level}/{id}/delete";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.throttling.first", "/admin/throttling", "Throttling policies"), VIEW, first)
        .page(get("portal.admin.throttling", LIST, "The policies of a level"), VIEW, list)
        .page(get("portal.admin.throttling.form", NEW, "Form for a policy"), MANAGE, new)
        .page(post("portal.admin.throttling.create", NEW, "Add a policy"), MANAGE, create)
        .page(get("portal.admin.throttling.edit", ONE, "A policy"), MANAGE, edit)
        .page(post("portal.admin.throttling.update", ONE, "Change a policy"), MANAGE, update)
        .page(get("portal.admin.throttling.ask", DELETE, "Question before a policy is deleted"), MANAGE, ask)
        .page(post("portal.admin.throttling.delete", DELETE, "Delete a policy"), MANAGE, delete)
}

fn path(level: Level) -> String {
    format!("/admin/throttling/{}", level.as_str())
}

const fn label(level: Level) -> &'static str {
    match level {
        Level::Application => "Application",
        Level::Subscription => "Business plans",
        Level::Advanced => "APIs and resources",
        Level::Custom => "Custom rules",
    }
}

const fn lead(level: Level) -> &'static str {
    match level {
        Level::Application => "How much one application may call in all, whatever it calls.",
        Level::Subscription => "What an application may call of one API that it subscribed to.",
        Level::Advanced => "How much an API or one of its resources takes, from everybody together.",
        Level::Custom => "Rules in Siddhi, for all tenants.",
    }
}

fn level(call: &Call) -> Result<Level, PageError> {
    let found = Level::parse(call.path("level")?);
    Ok(found.ok_or_else(|| RestError::not_found("There is nothing at this path."))?)
}

fn id(call: &Call) -> Result<PolicyId, PageError> {
    Ok(call.path_id("id")?)
}

async fn first(_: Arc<Portal>, _: Permit, _: Call) -> Result<Answer, PageError> {
    Ok(page::see_other(&path(Level::Application)))
}

async fn desk<'p>(portal: &'p Portal, permit: &Permit, call: &Call) -> Result<Desk<'p>, PageError> {
    Desk::with_defaults(portal, permit, call, "throttling").await
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let (desk, level) = (desk(&portal, &permit, &call).await?, level(&call)?);
    let policies = entries(use_case::list(&portal.control, &desk.actor, level).await?);
    let (shown, pager) = Pager::cut(policies, call.query_or("from", 0)?, 50, &format!("{}?", path(level)));
    let columns = vec![Column::new("Policy"), Column::new("Limit"), Column::new("Description")];
    let mut table = Table::new(label(level), columns)
        .pager(pager)
        .empty(Empty::new("No policies", lead(level)).action("Add a policy", format!("{}/new", path(level))));
    for policy in &shown {
        let link = Link::html(text(policy, "policyName"), format!("{}/{}", path(level), text(policy, "policyId")));
        table.row(vec![link, Html::text(limit(policy)), Html::text(text(policy, "description"))]);
    }
    let levels = Level::ALL.into_iter().filter(|one| *one != Level::Custom || desk.is_super());
    let tabs = levels.map(|one| Tab::new(label(one), path(one), one == level)).collect();
    let page = Page::new("Throttling policies")
        .tabs(tabs)
        .lead(lead(level))
        .action("Add a policy", format!("{}/new", path(level)))
        .add(&table);
    desk.frame.answer(page)
}

/// A limit in words.
fn limit(policy: &Value) -> String {
    let limit = policy.at("defaultLimit");
    let (part, amount, unit) = match text(limit, "type") {
        "REQUESTCOUNTLIMIT" => ("requestCount", "requestCount", "requests"),
        "BANDWIDTHLIMIT" => ("bandwidth", "dataAmount", ""),
        "EVENTCOUNTLIMIT" => ("eventCount", "eventCount", "events"),
        "AIAPIQUOTALIMIT" => ("aiApiQuota", "requestCount", "requests"),
        _ => return "by its query".to_owned(),
    };
    let body = limit.at(part);
    let unit = if part == "bandwidth" { text(body, "dataUnit") } else { unit };
    let period = match (body.at("unitTime").as_u64().unwrap_or(1), text(body, "timeUnit").trim_end_matches('s')) {
        (1, time) => time.to_owned(),
        (many, time) => format!("{many} {time}"),
    };
    let tokens = body.at("totalTokenCount").as_u64().map(|n| format!(" and {} tokens", number(n))).unwrap_or_default();
    let amount = body.at(amount).as_u64().unwrap_or(0);
    if amount >= 2_147_483_647 {
        "no limit".to_owned()
    } else {
        format!("{} {unit}{tokens} per {period}", number(amount))
    }
}

async fn new(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let (desk, level) = (desk(&portal, &permit, &call).await?, level(&call)?);
    // A level that is closed to the person is refused before its form is shown.
    use_case::list(&portal.control, &desk.actor, level).await?;
    let form = form::form(desk.csrf(), level, &form::blank(level), None, &Faults::none());
    desk.frame.answer(new_page(level).add(&form))
}

fn new_page(level: Level) -> Page {
    Page::new("Add a policy").crumb("Throttling policies", path(level)).lead(lead(level)).narrow()
}

async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let (desk, level) = (desk(&portal, &permit, &call).await?, level(&call)?);
    let (input, mut faults) = form::read(level, &Fields::of(&call)?, form::blank(level));
    if faults.is_empty() {
        match use_case::create(&portal.control, &desk.actor, level, &input).await {
            Ok(made) => {
                return desk.frame.done(&path(level), &format!("The policy {} was added.", text(&made, "policyName")));
            }
            Err(error) => faults = form::faults(error)?,
        }
    }
    let form = form::form(desk.csrf(), level, &input, None, &faults);
    faulty(&desk, new_page(level).add(&form))
}

async fn edit(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let (desk, level) = (desk(&portal, &permit, &call).await?, level(&call)?);
    let policy = use_case::get(&portal.control, &desk.actor, level, id(&call)?).await?;
    let page = edit_page(&desk, level, &policy, &fingerprint(&policy), &Faults::none());
    desk.frame.answer(page)
}

/// `seen` tells the stored policy that the form was made from.
fn edit_page(desk: &Desk<'_>, level: Level, policy: &Value, seen: &str, faults: &Faults) -> Page {
    let form = form::form(desk.csrf(), level, policy, Some(seen), faults);
    let delete = format!("{}/{}/delete", path(level), text(policy, "policyId"));
    Page::new(text(policy, "policyName"))
        .crumb("Throttling policies", path(level))
        .narrow()
        .add(&form)
        .html(Link::html("Delete this policy", delete))
}

async fn update(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let (desk, level) = (desk(&portal, &permit, &call).await?, level(&call)?);
    let fields = Fields::of(&call)?;
    let stored = use_case::get(&portal.control, &desk.actor, level, id(&call)?).await?;
    let present = fingerprint(&stored);
    let (input, mut faults) = form::read(level, &fields, stored.clone());
    if fields.text("seen") != present {
        faults.add(
            "",
            "Somebody changed this policy meanwhile. The form keeps what you typed; stored is now: ".to_owned()
                + &limit(&stored)
                + ". Save again to replace it.",
        );
    }
    if faults.is_empty() {
        match use_case::update(&portal.control, &desk.actor, level, id(&call)?, &input).await {
            Ok(_) => {
                return desk.frame.done(
                    &path(level),
                    &format!("The policy {} was saved. It holds from now on.", text(&stored, "policyName")),
                );
            }
            Err(error) => faults = form::faults(error)?,
        }
    }
    faulty(&desk, edit_page(&desk, level, &input, &present, &faults))
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let (desk, level) = (desk(&portal, &permit, &call).await?, level(&call)?);
    let policy = use_case::get(&portal.control, &desk.actor, level, id(&call)?).await?;
    let one = format!("{}/{}", path(level), text(&policy, "policyId"));
    let label = format!("Delete the policy {}", text(&policy, "policyName"));
    let confirmation = Confirmation::new(desk.csrf(), format!("{one}/delete"), &label, &one)
        .loses(format!("The limit of {}. Nobody can choose it any more.", limit(&policy)))
        .loses("A policy that is in use stays: the page says then where it is used.");
    let page = Page::new(format!("{label}?")).crumb("Throttling policies", path(level)).narrow().add(&confirmation);
    desk.frame.answer(page)
}

async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let (desk, level) = (desk(&portal, &permit, &call).await?, level(&call)?);
    use_case::delete(&portal.control, &desk.actor, level, id(&call)?).await?;
    desk.frame.done(&path(level), "The policy was deleted.")
}
