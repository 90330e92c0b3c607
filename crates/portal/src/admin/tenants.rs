//! Tenants: list, new, switched on and off.

use std::sync::Arc;

use identity::{IdentityError, NewTenant, TenantDetails, TenantOwner};
use model::{Secret, TenantId};
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::{ADMIN, Desk, faulty};
use crate::page::PageError;
use crate::ui::{Badge, Button, Column, Confirmation, Faults, Field, Form, Html, Link, Page, Pager, Table, Tone, day};
use crate::{Portal, get, post};

const LIST: &str = "/admin/tenants";
const NEW: &str = "/admin/tenants/new";
const OFF: &str = "/admin/tenants/{id}/deactivate";
const ON: &str = "/admin/tenants/{id}/activate";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.tenants", LIST, "Tenants"), ADMIN, list)
        .page(get("portal.admin.tenants.form", NEW, "Form for a tenant"), ADMIN, form)
        .page(post("portal.admin.tenants.create", NEW, "Add a tenant"), ADMIN, create)
        .page(get("portal.admin.tenants.ask", OFF, "Question before a tenant is switched off"), ADMIN, ask)
        .page(post("portal.admin.tenants.off", OFF, "Switch a tenant off"), ADMIN, switch_off)
        .page(post("portal.admin.tenants.on", ON, "Switch a tenant on"), ADMIN, switch_on)
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "tenants");
    desk.need_super()?;
    let tenants = portal.identity.tenants().await?;
    let (shown, pager) = Pager::cut(tenants, call.query_or("from", 0)?, 50, "/admin/tenants?");
    let columns = vec![
        Column::new("Domain"),
        Column::new("State"),
        Column::new("First administrator"),
        Column::new("Since"),
        Column::actions(),
    ];
    let mut table = Table::new("Tenants", columns).pager(pager);
    for tenant in &shown {
        table.row(row(&desk, tenant));
    }
    let lead = "Each tenant has its own users, APIs, applications and policies, and sees nothing of the others.";
    desk.frame.answer(Page::new("Tenants").lead(lead).action("Add a tenant", NEW).add(&table))
}

fn row(desk: &Desk<'_>, details: &TenantDetails) -> Vec<Html> {
    let tenant = &details.tenant;
    let domain = tenant.domain.as_str();
    let switch = match (tenant.id.is_super(), tenant.active) {
        (true, _) => Html::muted("always active"),
        (false, true) => Link::html(format!("Deactivate {domain}"), format!("{LIST}/{}/deactivate", tenant.id)),
        (false, false) => {
            Button::new(desk.csrf(), format!("{LIST}/{}/activate", tenant.id), "Activate").of(domain).html()
        }
    };
    let owner = match (details.owner.as_str(), details.email.as_str()) {
        (owner, "") => owner.to_owned(),
        (owner, email) => format!("{owner}, {email}"),
    };
    let state = if tenant.active { Badge::html("Active", Tone::Ok) } else { Badge::html("Off", Tone::Bad) };
    vec![Html::text(domain), state, Html::text(owner), Html::text(day(details.created_at)), switch]
}

async fn form(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "tenants");
    desk.need_super()?;
    desk.frame.answer(new_page(&desk, &|_| "", &Faults::none()))
}

fn new_page<'f>(desk: &Desk<'_>, typed: &dyn Fn(&str) -> &'f str, faults: &Faults) -> Page {
    let line = |name: &str, label: &str| Field::text(name, label).value(typed(name)).max(255);
    let form = Form::new(desk.csrf(), NEW, "Add the tenant")
        .faults(faults)
        .field(
            line("domain", "Domain")
                .hint("As in example.com, in lower case. It is part of every user's sign-in name.")
                .required(),
        )
        .group("First administrator", "Signs in as name@domain, sets a second factor up, and adds everybody else.")
        .field(line("username", "User name").required())
        .field(line("email", "Mail address").required())
        .field(line("first", "First name").hint("Not required."))
        .field(line("last", "Last name").hint("Not required."))
        .field(Field::secret("password", "Password").hint(&desk.portal.first.password_policy()).required())
        .field(Field::secret("repeat", "Password again").required())
        .back("Cancel", LIST);
    Page::new("Add a tenant").crumb("Tenants", LIST).narrow().add(&form)
}

async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "tenants");
    desk.need_super()?;
    let fields = Fields::of(&call)?;
    let typed = |name: &str| fields.text(name).trim();
    let password = Secret::new(fields.text("password").to_owned());
    let mut faults = Faults::none();
    for (name, text) in
        [("domain", "Enter a domain."), ("username", "Enter a user name."), ("email", "Enter a mail address.")]
    {
        if typed(name).is_empty() {
            faults.add(name, text);
        }
    }
    if fields.text("repeat") != password.expose().as_str() {
        faults.add("repeat", "Enter the same password again.");
    }
    if !faults.is_empty() {
        return faulty(&desk, new_page(&desk, &typed, &faults));
    }
    let owner = TenantOwner {
        username: typed("username").to_owned(),
        password,
        email: typed("email").to_owned(),
        first_name: typed("first").to_owned(),
        last_name: typed("last").to_owned(),
    };
    match desk.identity().create_tenant(NewTenant { domain: typed("domain").to_owned(), owner }).await {
        Ok(made) => desk.frame.done(LIST, &format!("The tenant {} was added.", made.tenant.domain)),
        Err(error) => {
            let field = if matches!(error, IdentityError::Password(_)) { "password" } else { "domain" };
            faults.add(field, PageError::refusal(error)?);
            faulty(&desk, new_page(&desk, &typed, &faults))
        }
    }
}

async fn find(desk: &Desk<'_>, call: &Call) -> Result<TenantDetails, PageError> {
    desk.need_super()?;
    let number: i64 = call.path_id("id")?;
    let found = desk.portal.identity.tenant(TenantId::new(number)).await?;
    if found.tenant.id.is_super() {
        return Err(RestError::conflict("The super tenant is always active.").into());
    }
    Ok(found)
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "tenants");
    let tenant = find(&desk, &call).await?.tenant;
    let label = format!("Deactivate {}", tenant.domain);
    let confirmation = Confirmation::new(desk.csrf(), format!("{LIST}/{}/deactivate", tenant.id), &label, LIST)
        .loses("Its users cannot sign in, and every session and token of theirs is refused.")
        .loses("Its applications get no tokens, and calls of its APIs with such tokens are refused.")
        .loses("Nothing is deleted: activating it again brings everything back.");
    desk.frame.answer(Page::new(format!("{label}?")).crumb("Tenants", LIST).narrow().add(&confirmation))
}

async fn switch_off(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "tenants");
    let tenant = find(&desk, &call).await?.tenant;
    desk.identity().set_tenant_active(tenant.id, false).await?;
    desk.frame.done(LIST, &format!("{} is off.", tenant.domain))
}

async fn switch_on(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "tenants");
    let tenant = find(&desk, &call).await?.tenant;
    desk.identity().set_tenant_active(tenant.id, true).await?;
    desk.frame.done(LIST, &format!("{} is active.", tenant.domain))
}
