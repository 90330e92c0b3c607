//! Users: list, new, one with its roles and sessions, lock, second factor, password, removal.

use std::sync::Arc;

use identity::{IdentityError, NewUser, User};
use model::{Secret, UserId};
use serde_json::{Map, json};
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::{ADMIN, Desk, address, faulty, pager, window};
use crate::page::{self, PageError};
use crate::pages::account::browser_name;
use crate::ui::{
    Actions, Badge, Button, Card, Column, Confirmation, Empty, Facts, Faults, Field, Form, Html, Link, Page, Table,
    Tone, minute,
};
use crate::{Portal, get, post};

const LIST: &str = "/admin/users";
const ONE: &str = "/admin/users/{id}";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.users", LIST, "Users"), ADMIN, list)
        .page(get("portal.admin.users.form", "/admin/users/new", "Form for a user"), ADMIN, form)
        .page(post("portal.admin.users.create", "/admin/users/new", "Add a user"), ADMIN, create)
        .page(get("portal.admin.user", ONE, "A user"), ADMIN, show)
        .page(
            get("portal.admin.user.password.form", "/admin/users/{id}/password", "Form for a password"),
            ADMIN,
            password,
        )
        .page(post("portal.admin.user.password", "/admin/users/{id}/password", "Set a password"), ADMIN, set_password)
        .page(post("portal.admin.user.roles", "/admin/users/{id}/roles", "Give or take a role"), ADMIN, change_role)
        .page(post("portal.admin.user.session", "/admin/users/{id}/sessions", "End a session"), ADMIN, end_session)
        .page(get("portal.admin.user.ask", "/admin/users/{id}/{action}", "Question before a change"), ADMIN, ask)
        .page(post("portal.admin.user.act", "/admin/users/{id}/{action}", "Lock, unlock, reset, delete"), ADMIN, act)
}

/// What can be done to a user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Lock,
    Unlock,
    ResetSecondFactor,
    Delete,
}

impl Action {
    const ALL: [Self; 4] = [Self::Lock, Self::Unlock, Self::ResetSecondFactor, Self::Delete];

    const fn key(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::ResetSecondFactor => "reset-second-factor",
            Self::Delete => "delete",
        }
    }

    fn of(call: &Call) -> Result<Self, PageError> {
        let wanted = call.path("action")?;
        let found = Self::ALL.into_iter().find(|action| action.key() == wanted);
        Ok(found.ok_or_else(|| RestError::not_found("There is nothing at this path."))?)
    }

    /// Verb and object, as on the button.
    fn label(self, name: &str) -> String {
        match self {
            Self::Lock => format!("Lock {name}"),
            Self::Unlock => format!("Unlock {name}"),
            Self::ResetSecondFactor => format!("Reset the second factor of {name}"),
            Self::Delete => format!("Delete {name}"),
        }
    }

    const fn losses(self) -> &'static [&'static str] {
        match self {
            Self::Lock => &[
                "Every session, access token and refresh token of the user ends now.",
                "Their applications get no tokens and their API calls are refused until the user is unlocked.",
            ],
            Self::Unlock => &[],
            Self::ResetSecondFactor => &[
                "Authenticator app and recovery codes of the user stop working.",
                "Every session of the user ends. Administrators set a new one up at the next sign-in.",
            ],
            Self::Delete => &[
                "The account with its roles, sessions, tokens and second factor. This cannot be undone.",
                "The clients that the user registered.",
                "Their applications stop working and wait until an administrator gives them to somebody else.",
            ],
        }
    }
}

fn one(id: UserId) -> String {
    format!("{LIST}/{id}")
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let query = call.query("query").unwrap_or_default().trim().to_owned();
    let from: usize = call.query_or("from", 0)?;
    let (users, total) = portal.identity.search_users(desk.actor.tenant(), &query, window(from)).await?;
    let now = portal.clock.now();
    let columns = vec![Column::new("Name"), Column::new("State"), Column::new("Roles"), Column::new("Since")];
    let mut table = Table::new("Users", columns)
        .pager(pager(&address(LIST, &[("query", &query)]), from, users.len(), total))
        .empty(match query.as_str() {
            "" => Empty::new("No users yet", "Accounts are made here, by sign-up, or by SCIM.")
                .action("Add a user", "/admin/users/new"),
            text => Empty::new("No user found", format!("No name contains {text}.")).action("All users", LIST),
        });
    for user in &users {
        let roles: Vec<&str> = user.roles.iter().map(|(_, name)| name.as_str()).collect();
        table.row(vec![
            Link::html(&user.name, one(user.id)),
            state(user, now),
            Html::text(roles.join(", ")),
            Html::text(crate::ui::day(user.created_at)),
        ]);
    }
    let search = Form::search(LIST, "Search").field(Field::text("query", "Part of the name").value(&query));
    desk.frame.answer(Page::new("Users").action("Add a user", "/admin/users/new").add(&search).add(&table))
}

/// Whether and why a user cannot sign in.
fn state(user: &User, now: model::Timestamp) -> Html {
    match user.locked_until {
        _ if user.locked => Badge::html("Locked", Tone::Bad),
        Some(until) if until > now => Badge::html(format!("Locked until {}", minute(until)), Tone::Warn),
        _ => Badge::html("Active", Tone::Ok),
    }
}

/// Everything of a form for a new user that may be shown again.
#[derive(Default)]
struct Typed {
    name: String,
    email: String,
    roles: Vec<String>,
}

async fn form(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let page = new_page(&desk, &Typed::default(), &Faults::none()).await?;
    desk.frame.answer(page)
}

async fn new_page(desk: &Desk<'_>, typed: &Typed, faults: &Faults) -> Result<Page, PageError> {
    let mut roles = Field::checks("role", "Roles").hint("Everybody has Internal/everyone besides.");
    for role in assignable(desk).await? {
        let chosen = typed.roles.contains(&role);
        roles = roles.choice(&role, &role, "", chosen);
    }
    let form = Form::new(desk.csrf(), "/admin/users/new", "Add the user")
        .faults(faults)
        .field(Field::text("name", "User name").value(&typed.name).required().max(255))
        .field(
            Field::text("email", "Mail address")
                .value(&typed.email)
                .hint("Not required. New passwords are sent there.")
                .max(255),
        )
        .field(Field::secret("password", "Password").hint(&desk.portal.first.password_policy()).required())
        .field(Field::secret("repeat", "Password again").required())
        .field(roles)
        .back("Cancel", LIST);
    Ok(Page::new("Add a user").crumb("Users", LIST).narrow().add(&form))
}

/// The roles that can be given, in the order of their names.
async fn assignable(desk: &Desk<'_>) -> Result<Vec<String>, PageError> {
    let roles = desk.portal.identity.roles(desk.actor.tenant()).await?;
    Ok(roles.into_iter().map(|role| role.name).filter(|name| name != "Internal/everyone").collect())
}

async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let fields = Fields::of(&call)?;
    let typed = Typed {
        name: fields.text("name").trim().to_owned(),
        email: fields.text("email").trim().to_owned(),
        roles: fields.all("role").map(str::to_owned).collect(),
    };
    let password = Secret::new(fields.text("password").to_owned());
    let mut faults = Faults::none();
    if typed.name.is_empty() {
        faults.add("name", "Enter a user name.");
    }
    if fields.text("repeat") != password.expose().as_str() {
        faults.add("repeat", "Enter the same password again.");
    }
    if !faults.is_empty() {
        return faulty(&desk, new_page(&desk, &typed, &faults).await?);
    }
    let mut attributes = Map::new();
    if !typed.email.is_empty() {
        attributes.insert("emails".into(), json!([{"value": typed.email, "primary": true}]));
    }
    let new = NewUser { name: typed.name.clone(), password, attributes, roles: typed.roles.clone() };
    match desk.identity().create_user(desk.actor.tenant(), new).await {
        Ok(user) => desk.frame.done(&one(user.id), &format!("{} was added.", user.name)),
        Err(error) => {
            let faults = faults_of(error)?;
            faulty(&desk, new_page(&desk, &typed, &faults).await?)
        }
    }
}

/// A refusal beside the field that it is about.
fn faults_of(error: IdentityError) -> Result<Faults, PageError> {
    let field = match &error {
        IdentityError::Password(_) => "password",
        IdentityError::Invalid(_) | IdentityError::Conflict(_) => "name",
        _ => "",
    };
    let text = PageError::refusal(error)?;
    let mut faults = Faults::none();
    faults.add(field, text);
    Ok(faults)
}

async fn find(desk: &Desk<'_>, call: &Call) -> Result<User, PageError> {
    Ok(desk.portal.identity.user(desk.actor.tenant(), call.path_id("id")?).await?)
}

/// Whether that is the account of the person in front of the page.
fn is_own(desk: &Desk<'_>, user: &User) -> bool {
    desk.actor.principal().user.eq_ignore_ascii_case(&user.name)
}

async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let user = find(&desk, &call).await?;
    let has_factor = portal.identity.has_second_factor(user.tenant, user.id).await?;
    let own = is_own(&desk, &user);
    let mut page = Page::new(&user.name)
        .crumb("Users", LIST)
        .beside(state(&user, portal.clock.now()))
        .add(&about(&user, has_factor))
        .add(&roles_of(&desk, &user, own).await?)
        .add(&sessions_of(&desk, &user).await?);
    page = if own {
        page.html(Html::muted("This is your own account: password and second factor are changed on your account page."))
    } else {
        page.add(&actions(&user, has_factor))
    };
    desk.frame.answer(page)
}

fn about(user: &User, has_factor: bool) -> Card {
    let mail = user.attributes.get("emails").and_then(|mails| mails.pointer("/0/value")).and_then(|mail| mail.as_str());
    let facts = Facts::new()
        .fact("Id", Html::mono(user.id))
        .text("Mail address", mail.unwrap_or_default())
        .fact("Second factor", Html::text(if has_factor { "set up" } else { "none" }))
        .fact("Since", Html::text(minute(user.created_at)))
        .fact("Changed", Html::text(minute(user.updated_at)));
    Card::new("Account").add(&facts)
}

async fn roles_of(desk: &Desk<'_>, user: &User, own: bool) -> Result<Card, PageError> {
    let action = format!("{}/roles", one(user.id));
    let mut table = Table::new("Roles", vec![Column::new("Role"), Column::actions()])
        .empty(Empty::new("No roles", "The user can sign in, and has what everybody has. A role opens more."));
    for (id, name) in &user.roles {
        // Whoever takes the role from themselves is locked out of this page.
        let take = Button::new(desk.csrf(), &action, "Take away").of(name).with("take", name);
        let button =
            if own && name.eq_ignore_ascii_case(identity::ADMIN_ROLE) { Html::muted("your own") } else { take.html() };
        table.row(vec![Link::html(name, format!("/admin/roles/{id}")), button]);
    }
    let mut choice = Field::select("give", "Another role").option("", "Choose a role").required();
    let mut any = false;
    for role in assignable(desk).await?.iter().filter(|role| !user.roles.iter().any(|(_, name)| name == *role)) {
        choice = choice.option(role, role);
        any = true;
    }
    let card = Card::new("Roles").add(&table);
    Ok(if any { card.add(&Form::new(desk.csrf(), action, "Give the role").quiet().field(choice)) } else { card })
}

async fn sessions_of(desk: &Desk<'_>, user: &User) -> Result<Card, PageError> {
    let found = desk.portal.identity.sessions_of(user.tenant, user.id).await?;
    let columns = vec![Column::new("Browser"), Column::new("From"), Column::new("Last used"), Column::actions()];
    let mut table =
        Table::new("Sessions", columns).empty(Empty::new("No sessions", "The user is not signed in with any browser."));
    let action = format!("{}/sessions", one(user.id));
    for session in found {
        let agent = browser_name(&session.agent);
        let end = Button::new(desk.csrf(), &action, "End").of(&agent).with("session", &session.id);
        table.row(vec![
            Html::text(&agent),
            Html::mono(&session.address),
            Html::text(minute(session.seen_at)),
            end.html(),
        ]);
    }
    Ok(Card::new("Sessions").add(&table))
}

fn actions(user: &User, has_factor: bool) -> Card {
    let base = one(user.id);
    let link = |action: Action, label: &str| Link::html(label, format!("{base}/{}", action.key()));
    let mut list = Actions::new().action(
        Link::html("Set a new password", format!("{base}/password")),
        "Ends everything issued with the old one.",
    );
    if user.locked || user.locked_until.is_some() {
        list = list.action(link(Action::Unlock, "Unlock the account"), "The user can sign in again.");
    }
    if !user.locked {
        list = list
            .action(link(Action::Lock, "Lock the account"), "Sign-in, sessions and tokens end until it is unlocked.");
    }
    if has_factor {
        list = list
            .action(link(Action::ResetSecondFactor, "Reset the second factor"), "For somebody who lost app and codes.");
    }
    let list = list.action(link(Action::Delete, "Delete the account"), "Asks first, and says what is lost.");
    Card::new("Change the account").add(&list)
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let (user, action) = (find(&desk, &call).await?, Action::of(&call)?);
    not_own(&desk, &user)?;
    desk.frame.answer(question(&desk, &user, action))
}

fn question(desk: &Desk<'_>, user: &User, action: Action) -> Page {
    let label = action.label(&user.name);
    let path = format!("{}/{}", one(user.id), action.key());
    let mut confirmation = Confirmation::new(desk.csrf(), path, &label, one(user.id));
    for loss in action.losses() {
        confirmation = confirmation.loses(*loss);
    }
    Page::new(format!("{label}?")).crumb("Users", LIST).crumb(&user.name, one(user.id)).narrow().add(&confirmation)
}

fn not_own(desk: &Desk<'_>, user: &User) -> Result<(), PageError> {
    if is_own(desk, user) {
        let text = "This is your own account. Another administrator can do this, or you on your account page.";
        return Err(RestError::conflict(text).into());
    }
    Ok(())
}

async fn act(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let (user, action) = (find(&desk, &call).await?, Action::of(&call)?);
    not_own(&desk, &user)?;
    let (identity, tenant) = (desk.identity(), user.tenant);
    let (path, text) = match action {
        Action::Lock => {
            identity.lock_user(tenant, user.id).await?;
            (one(user.id), format!("{} is locked.", user.name))
        }
        Action::Unlock => {
            identity.unlock_user(tenant, user.id).await?;
            (one(user.id), format!("{} can sign in again.", user.name))
        }
        Action::ResetSecondFactor => {
            identity.reset_second_factor(tenant, user.id).await?;
            (one(user.id), format!("{} has no second factor any more.", user.name))
        }
        Action::Delete => {
            identity.delete_user(tenant, user.id).await?;
            (LIST.to_owned(), format!("{} was deleted.", user.name))
        }
    };
    desk.frame.done(&path, &text)
}

async fn password(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let user = find(&desk, &call).await?;
    not_own(&desk, &user)?;
    desk.frame.answer(password_page(&desk, &user, &Faults::none()))
}

fn password_page(desk: &Desk<'_>, user: &User, faults: &Faults) -> Page {
    let form = Form::new(desk.csrf(), format!("{}/password", one(user.id)), "Set the password")
        .faults(faults)
        .field(Field::secret("password", "New password").hint(&desk.portal.first.password_policy()).required())
        .field(Field::secret("repeat", "New password again").required())
        .back("Cancel", one(user.id));
    Page::new(format!("A new password for {}", user.name))
        .crumb("Users", LIST)
        .crumb(&user.name, one(user.id))
        .lead("Everything issued so far ends: sessions, tokens, and secrets of the clients that the user registered.")
        .narrow()
        .add(&form)
}

async fn set_password(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let user = find(&desk, &call).await?;
    not_own(&desk, &user)?;
    let fields = Fields::of(&call)?;
    let new = Secret::new(fields.text("password").to_owned());
    let mut faults = Faults::none();
    if fields.text("repeat") != new.expose().as_str() {
        faults.add("repeat", "Enter the same password again.");
        return faulty(&desk, password_page(&desk, &user, &faults));
    }
    match desk.identity().reset_password(user.tenant, user.id, &new).await {
        Ok(_) => desk.frame.done(&one(user.id), &format!("{} has a new password.", user.name)),
        Err(error) => {
            faults.add("password", PageError::refusal(error)?);
            faulty(&desk, password_page(&desk, &user, &faults))
        }
    }
}

async fn change_role(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let user = find(&desk, &call).await?;
    let fields = Fields::of(&call)?;
    let identity = desk.identity();
    let text = match (fields.get("give"), fields.get("take")) {
        (Some(role), None) if !role.is_empty() => {
            identity.grant_role(user.tenant, user.id, role).await?;
            format!("{} has the role {role}.", user.name)
        }
        (None, Some(role)) => {
            identity.withdraw_role(user.tenant, user.id, role).await?;
            format!("{} does not have the role {role} any more.", user.name)
        }
        _ => return Ok(page::see_other(&one(user.id))),
    };
    desk.frame.done(&one(user.id), &text)
}

async fn end_session(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "users");
    let user = find(&desk, &call).await?;
    let fields = Fields::of(&call)?;
    let ended = desk.identity().end_session_of(user.tenant, user.id, fields.text("session")).await?;
    let text = if ended { "The session has ended." } else { "The session had ended already." };
    desk.frame.done(&one(user.id), text)
}
