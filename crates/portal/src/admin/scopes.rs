//! Which roles have the scopes of the management APIs.

use std::sync::Arc;

use control::Field as _;
use control::administration::scopes as use_case;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RouteTable};

use super::{Desk, address, entries, faulty, text};
use crate::page::PageError;
use crate::ui::{Column, Empty, Faults, Field, Form, Html, Link, Page, Pager, Table};
use crate::{Portal, get, post};

/// As the Admin REST API asks.
pub(super) const MANAGE: &[&str] = &["apim:admin", "apim:scope_manage"];
const LIST: &str = "/admin/scopes";
const EDIT: &str = "/admin/scopes/edit";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.scopes", LIST, "Scopes and their roles"), MANAGE, list)
        .page(get("portal.admin.scopes.form", EDIT, "Form for the roles of a scope"), MANAGE, form)
        .page(post("portal.admin.scopes.change", EDIT, "Change the roles of a scope"), MANAGE, change)
}

fn edit(scope: &str) -> String {
    let path = address(EDIT, &[("scope", scope)]);
    path.trim_end_matches('&').to_owned()
}

fn roles_of(scope: &Value) -> Vec<&str> {
    scope.at("roles").as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "scopes");
    let query = call.query("query").unwrap_or_default().trim().to_lowercase();
    let mut scopes = entries(use_case::list(&portal.control, &desk.actor).await?);
    scopes.retain(|scope| {
        text(scope, "name").to_lowercase().contains(&query)
            || roles_of(scope).iter().any(|role| role.to_lowercase().contains(&query))
    });
    let (shown, pager) = Pager::cut(scopes, call.query_or("from", 0)?, 50, &address(LIST, &[("query", &query)]));
    let mut table = Table::new("Scopes", vec![Column::new("Scope"), Column::new("Roles")]).pager(pager).empty(
        Empty::new("No scope found", "Neither a scope nor a role contains this text.").action("All scopes", LIST),
    );
    for scope in &shown {
        let name = text(scope, "name");
        table.row(vec![Link::html(name, edit(name)), Html::text(roles_of(scope).join(", "))]);
    }
    let search = Form::search(LIST, "Search").field(Field::text("query", "Scope or role").value(&query));
    let lead = "Whoever has one of the roles gets the scope, in REST calls and on these pages.";
    desk.frame.answer(Page::new("Scope mapping").lead(lead).add(&search).add(&table))
}

async fn form(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "scopes");
    let scope = use_case::get(&portal.control, &desk.actor, call.query("scope").unwrap_or_default()).await?;
    let page = edit_page(&desk, text(&scope, "name"), &roles_of(&scope), &Faults::none()).await?;
    desk.frame.answer(page)
}

async fn edit_page(desk: &Desk<'_>, name: &str, chosen: &[&str], faults: &Faults) -> Result<Page, PageError> {
    let known = desk.portal.identity.roles(desk.actor.tenant()).await?;
    let mut names: Vec<&str> = known.iter().map(|role| role.name.as_str()).collect();
    // A mapping may name a role that is gone; it stays visible, so that it can be taken out.
    names.extend(chosen.iter().filter(|role| !known.iter().any(|k| k.name == **role)));
    let mut field = Field::checks("role", "Roles");
    for role in names {
        field = field.choice(role, role, "", chosen.contains(&role));
    }
    let form = Form::new(desk.csrf(), EDIT, "Save the roles")
        .faults(faults)
        .hidden("scope", name)
        .hidden("seen", chosen.join("\n"))
        .field(field)
        .back("Cancel", LIST);
    Ok(Page::new(name).crumb("Scope mapping", LIST).narrow().add(&form))
}

async fn change(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "scopes");
    let fields = Fields::of(&call)?;
    let name = fields.text("scope");
    let wanted: Vec<&str> = fields.all("role").collect();
    let present = use_case::get(&portal.control, &desk.actor, name).await?;
    let present = roles_of(&present);
    // Browsers send line ends of hidden fields as CR LF.
    if fields.text("seen").lines().collect::<Vec<_>>() != present {
        let mut faults = Faults::none();
        faults.add(
            "",
            "Somebody changed the roles meanwhile. The form shows what is stored now; make your change again.",
        );
        let page = edit_page(&desk, name, &present, &faults).await?;
        return faulty(&desk, page);
    }
    let input = json!({"list": [{"name": name, "roles": wanted}]});
    match use_case::put(&portal.control, &desk.actor, &input).await {
        Ok(_) => desk.frame.done(LIST, &format!("The roles of {name} were saved.")),
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = edit_page(&desk, name, &wanted, &faults).await?;
            faulty(&desk, page)
        }
    }
}
