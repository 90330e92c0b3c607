//! Roles and who has them.

use std::sync::Arc;

use identity::{IdentityError, Role};
use web::{Answer, Call, Fields, Permit, RouteTable};

use super::{ADMIN, Desk, faulty};
use crate::page::PageError;
use crate::ui::{
    Badge, Button, Card, Column, Confirmation, Empty, Faults, Field, Form, Html, Link, Page, Pager, Table, Tone,
};
use crate::{Portal, get, post};

const LIST: &str = "/admin/roles";
const NEW: &str = "/admin/roles/new";
const ONE: &str = "/admin/roles/{id}";
const MEMBERS: &str = "/admin/roles/{id}/members";
const DELETE: &str = "/admin/roles/{id}/delete";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.roles", LIST, "Roles"), ADMIN, list)
        .page(get("portal.admin.roles.form", NEW, "Form for a role"), ADMIN, form)
        .page(post("portal.admin.roles.create", NEW, "Add a role"), ADMIN, create)
        .page(get("portal.admin.role", ONE, "A role"), ADMIN, show)
        .page(post("portal.admin.role.members", MEMBERS, "Give or take the role"), ADMIN, change_member)
        .page(get("portal.admin.role.ask", DELETE, "Question before a role is deleted"), ADMIN, ask)
        .page(post("portal.admin.role.delete", DELETE, "Delete a role"), ADMIN, delete)
}

fn one(role: &Role) -> String {
    format!("{LIST}/{}", role.id)
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "roles");
    let roles = portal.identity.roles(desk.actor.tenant()).await?;
    let (shown, pager) = Pager::cut(roles, call.query_or("from", 0)?, 50, "/admin/roles?");
    let columns = vec![Column::new("Role"), Column::new("Kind"), Column::number("Members")];
    let mut table = Table::new("Roles", columns).pager(pager);
    for role in &shown {
        let members = if role.name == EVERYONE { "everybody".to_owned() } else { role.members.len().to_string() };
        table.row(vec![Link::html(&role.name, one(role)), kind(role), Html::text(members)]);
    }
    let lead = "What a role may do is decided by the scopes it is mapped to.";
    desk.frame.answer(Page::new("Roles").lead(lead).action("Add a role", NEW).add(&table))
}

/// The role that needs no members: everybody has it.
const EVERYONE: &str = "Internal/everyone";

fn kind(role: &Role) -> Html {
    if role.built_in { Badge::html("Built in", Tone::Plain) } else { Badge::html("Own", Tone::Accent) }
}

async fn form(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "roles");
    desk.frame.answer(new_page(&desk, "", &Faults::none()))
}

fn new_page(desk: &Desk<'_>, name: &str, faults: &Faults) -> Page {
    let form = Form::new(desk.csrf(), NEW, "Add the role")
        .faults(faults)
        .field(
            Field::text("name", "Name")
                .value(name)
                .hint("As in partner, or Internal/partner as WSO2 writes roles.")
                .required()
                .max(255),
        )
        .back("Cancel", LIST);
    Page::new("Add a role").crumb("Roles", LIST).narrow().add(&form)
}

async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "roles");
    let name = Fields::of(&call)?.text("name").trim().to_owned();
    match desk.identity().create_role(desk.actor.tenant(), &name, &[]).await {
        Ok(role) => desk.frame.done(&one(&role), &format!("The role {} was added.", role.name)),
        Err(error) => {
            let mut faults = Faults::none();
            faults.add("name", refusal(error)?);
            faulty(&desk, new_page(&desk, &name, &faults))
        }
    }
}

/// The text of a refusal that a form shows, limits included.
fn refusal(error: IdentityError) -> Result<String, PageError> {
    match error {
        IdentityError::Limit(text) => Ok(text),
        other => PageError::refusal(other),
    }
}

async fn find(desk: &Desk<'_>, call: &Call) -> Result<Role, PageError> {
    Ok(desk.portal.identity.role(desk.actor.tenant(), call.path("id")?).await?)
}

async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "roles");
    let role = find(&desk, &call).await?;
    let page = role_page(&desk, &call, role, "", &Faults::none()).await?;
    desk.frame.answer(page)
}

async fn role_page(desk: &Desk<'_>, call: &Call, role: Role, typed: &str, faults: &Faults) -> Result<Page, PageError> {
    let path = one(&role);
    let mut page = Page::new(&role.name).crumb("Roles", LIST).beside(kind(&role));
    let bindings = desk.portal.identity.scope_bindings(desk.actor.tenant()).await?;
    let scopes: Vec<String> = bindings
        .into_iter()
        .filter(|binding| binding.system && binding.roles.iter().any(|name| name.eq_ignore_ascii_case(&role.name)))
        .map(|binding| binding.scope)
        .collect();
    if role.name != EVERYONE {
        page = page.add(&members(desk, call, &role, typed, faults)?);
    }
    let text = match scopes.as_slice() {
        [] => "No scope of the management APIs is mapped to it.".to_owned(),
        many => many.join("  "),
    };
    page = page.add(&Card::new("Scopes").aside(Link::html("Scope mapping", "/admin/scopes")).html(Html::mono(text)));
    if !role.built_in {
        page = page.html(Link::html("Delete this role", format!("{path}/delete")));
    }
    Ok(page)
}

fn members(desk: &Desk<'_>, call: &Call, role: &Role, typed: &str, faults: &Faults) -> Result<Card, PageError> {
    let path = one(role);
    let action = format!("{path}/members");
    let (shown, pager) = Pager::cut(role.members.clone(), call.query_or("from", 0)?, 50, &format!("{path}?"));
    let mut table = Table::new("Members", vec![Column::new("User"), Column::actions()])
        .pager(pager)
        .empty(Empty::new("Nobody has this role", "Give it to a user below."));
    for (id, name) in &shown {
        let take =
            Button::new(desk.csrf(), &action, "Take away").of(format!("from {name}")).with("take", id.to_string());
        table.row(vec![Link::html(name, format!("/admin/users/{id}")), take.html()]);
    }
    let form = Form::new(desk.csrf(), action, "Give the role")
        .faults(faults)
        .quiet()
        .field(Field::text("give", "User name").value(typed).required().max(255));
    Ok(Card::new("Members").add(&table).add(&form))
}

async fn change_member(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "roles");
    let role = find(&desk, &call).await?;
    let fields = Fields::of(&call)?;
    let (identity, tenant) = (desk.identity(), desk.actor.tenant());
    let path = one(&role);
    if let Some(user) = fields.get("take").and_then(|id| id.parse().ok()) {
        identity.withdraw_role(tenant, user, &role.name).await?;
        return desk.frame.done(&path, "The role was taken away.");
    }
    let name = fields.text("give").trim();
    match identity.find_user(tenant, name).await? {
        Some(user) => {
            identity.grant_role(tenant, user.id, &role.name).await?;
            desk.frame.done(&path, &format!("{} has the role {}.", user.name, role.name))
        }
        None => {
            let mut faults = Faults::none();
            faults.add("give", "There is no user of this name.");
            let page = role_page(&desk, &call, role, name, &faults).await?;
            faulty(&desk, page)
        }
    }
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "roles");
    let role = find(&desk, &call).await?;
    let path = one(&role);
    let label = format!("Delete the role {}", role.name);
    let confirmation = Confirmation::new(desk.csrf(), format!("{path}/delete"), &label, &path)
        .loses(format!("{} users lose it, and with it every token they have.", role.members.len()))
        .loses("What is visible to this role only becomes invisible to them.");
    let page = Page::new(format!("{label}?")).crumb("Roles", LIST).crumb(&role.name, &path).narrow().add(&confirmation);
    desk.frame.answer(page)
}

async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "roles");
    let role = find(&desk, &call).await?;
    desk.identity().delete_role(desk.actor.tenant(), &role.id).await?;
    desk.frame.done(LIST, &format!("The role {} was deleted.", role.name))
}
