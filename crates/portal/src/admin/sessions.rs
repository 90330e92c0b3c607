//! Everybody's browser sessions.

use std::sync::Arc;

use identity::{Factor, Session};
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::{ADMIN, Desk, address, pager, window};
use crate::page::PageError;
use crate::pages::account::browser_name;
use crate::ui::{Badge, Button, Column, Empty, Html, Link, Page, Table, Tone, minute};
use crate::{Portal, get, post};

const LIST: &str = "/admin/sessions";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new().page(get("portal.admin.sessions", LIST, "Sessions of everybody"), ADMIN, list).page(
        post("portal.admin.sessions.end", LIST, "End a session"),
        ADMIN,
        end,
    )
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "sessions");
    let from: usize = call.query_or("from", 0)?;
    let (sessions, total) = portal.identity.sessions(desk.actor.tenant(), window(from)).await?;
    let own = portal.identity.session(&call.headers).await?.map(|own| own.id).unwrap_or_default();
    let columns = vec![
        Column::new("User"),
        Column::new("Browser"),
        Column::new("From"),
        Column::new("Signed in"),
        Column::new("Last used"),
        Column::actions(),
    ];
    let mut table = Table::new("Sessions", columns)
        .pager(pager(&address(LIST, &[]), from, sessions.len(), total))
        .empty(Empty::new("No sessions", "Nobody is signed in with a browser."));
    for session in &sessions {
        table.row(row(&desk, session, &own));
    }
    let lead = "Browsers that are signed in. A session ends by itself when it is not used. To keep somebody out, lock \
                the account.";
    desk.frame.answer(Page::new("Sessions").lead(lead).add(&table))
}

fn row(desk: &Desk<'_>, session: &Session, own: &str) -> Vec<Html> {
    let agent = browser_name(&session.agent);
    let factors =
        session.factors.iter().filter(|factor| !matches!(factor, Factor::Password | Factor::Federated)).count();
    let proof = if factors > 0 { "password and code" } else { "password" };
    let last = if session.id == own {
        Badge::html("This browser", Tone::Accent)
    } else {
        Button::new(desk.csrf(), LIST, "End")
            .of(format!("{} of {}", agent, session.name))
            .with("session", &session.id)
            .with("user", session.user.to_string())
            .danger()
            .html()
    };
    vec![
        Link::html(&session.name, format!("/admin/users/{}", session.user)),
        Html::text(agent),
        Html::mono(&session.address),
        Html::text(format!("{}, {proof}", minute(session.created_at))),
        Html::text(minute(session.seen_at)),
        last,
    ]
}

async fn end(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "sessions");
    let fields = Fields::of(&call)?;
    let user = fields.text("user").parse().map_err(|_| RestError::bad_request("The form names no user."))?;
    let ended = desk.identity().end_session_of(desk.actor.tenant(), user, fields.text("session")).await?;
    let text = if ended { "The session has ended." } else { "The session had ended already." };
    desk.frame.done(LIST, text)
}
