//! The first page: how the installation is, what waits, and the first steps.

use std::sync::Arc;
use std::time::Duration;

use control::AuditQuery;
use model::Timestamp;
use web::{Answer, Call, Permit, RouteTable};

use super::{ADMIN, Desk, approvals, number, refused};
use crate::page::{self, PageError};
use crate::ui::{Actions, Badge, Button, Card, Checklist, Facts, Html, Link, Page, Timeline, Tone, day, minute};
use crate::{CertificateState, Operations, Portal, get, post};

const PATH: &str = "/admin";
const CHECKLIST: &str = "/admin/checklist";
/// Remembers that this browser does not want to see the first steps any more.
const HIDDEN: &str = "__Host-portcullis-steps";
/// A certificate that ends sooner is to be looked at.
const SOON: Duration = Duration::from_hours(30 * 24);
/// Records of the audit log on the page.
const LATEST: i64 = 6;

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new().page(get("portal.admin.overview", PATH, "How the installation is"), ADMIN, show).page(
        post("portal.admin.checklist", CHECKLIST, "Hide the first steps"),
        ADMIN,
        hide,
    )
}

async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::with_defaults(&portal, &permit, &call, "overview").await?;
    let mut page = Page::new("Overview");
    if web::cookie(&call.headers, HIDDEN).is_none() {
        let steps = first_steps(&desk, &call).await?;
        let hide = Button::new(desk.csrf(), CHECKLIST, "Hide the first steps").html();
        page = page.add(&steps).add(&Card::new("").add(&Actions::new().action(hide, "In this browser, for good.")));
    }
    let waiting = approvals::count(&desk).await?;
    let approvals = Facts::new().fact("Waiting", Html::text(waiting));
    let attention =
        if waiting == 0 { Badge::html("Nothing to do", Tone::Ok) } else { Badge::html("Decide", Tone::Warn) };
    page = page.add(
        &Card::new("Approvals").aside(attention).add(&approvals).html(Link::html("Approvals", "/admin/approvals")),
    );
    if desk.is_super() {
        let operations = desk.operations()?;
        page = page
            .add(&health(&desk, operations).await?)
            .add(&hardening(operations).await?)
            .add(&certificates(operations, portal.clock.now()));
    }
    desk.frame.answer(page.add(&latest(&desk).await?))
}

async fn first_steps(desk: &Desk<'_>, call: &Call) -> Result<Checklist, PageError> {
    let own = desk.portal.identity.session(&call.headers).await?;
    let has_factor = match own {
        Some(own) => desk.portal.identity.second_factor(&own).await?.since.is_some(),
        None => false,
    };
    let has_apis = desk.portal.control.has_apis(&desk.actor).await?;
    let mut steps = Checklist::new("First steps").step(
        has_factor,
        Link::new("Set a second factor up", "/account/second-factor"),
        "With an authenticator app, a stolen password alone opens nothing.",
    );
    if desk.is_super() {
        let operations = desk.operations()?;
        let own_authority = operations.certificates().iter().any(|one| one.is_self_made);
        steps = steps
            .step(
                !own_authority,
                Link::new("Use a certificate that browsers trust", "/admin/settings?query=keystore.tls"),
                "Until then everybody has to trust the certificate authority of this installation.",
            )
            .optional(
                !operations.health().is_embedded,
                Link::new("Choose the database", "/admin/settings?query=database.apim_db"),
                "The embedded database is right for one server; several servers share a PostgreSQL.",
            );
    }
    Ok(steps.step(
        has_apis,
        Link::new("Offer the first API", "/publisher/apis/new"),
        "Import an OpenAPI file, or start from scratch.",
    ))
}

/// Hides the first steps in this browser.
async fn hide(_: Arc<Portal>, _: Permit, _: Call) -> Result<Answer, PageError> {
    Ok(web::with_cookie(page::see_other(PATH), HIDDEN, "1", "SameSite=Strict; Max-Age=31536000"))
}

async fn health(desk: &Desk<'_>, operations: &dyn Operations) -> Result<Card, PageError> {
    let health = operations.health();
    let mut behind = 0;
    let mut down = 0_usize;
    for gateway in operations.gateways() {
        behind = desk.portal.control.snapshot_age(gateway.version).await?.behind.max(behind);
        down = down.saturating_add(usize::from(!gateway.is_ready));
    }
    let state = match (health.is_ready && down == 0, behind) {
        (false, _) => Badge::html("Calls are not served", Tone::Bad),
        (true, 0) => Badge::html("Calls are served", Tone::Ok),
        (true, behind) => Badge::html(super::gateways::behind(behind), Tone::Warn),
    };
    let exposed = if health.is_exposed { "other machines can reach it" } else { "only this machine can reach it" };
    let mut facts = Facts::new()
        .fact("Version", Html::text(&health.program))
        .fact("Runs since", Html::text(minute(health.started)))
        .fact("Database", Html::text(&health.database))
        .fact("Listeners", Html::text(exposed))
        .fact("Home", Html::mono(&health.home));
    if health.log_records_lost > 0 {
        let lost = format!("{} since the start: disk full or too slow", number(health.log_records_lost));
        facts = facts.fact("Log records lost", Html::join([Badge::html("Look", Tone::Bad), Html::text(lost)]));
    }
    Ok(Card::new("Health").aside(state).add(&facts).html(Link::html("Gateways", "/admin/gateways")))
}

async fn hardening(operations: &dyn Operations) -> Result<Card, PageError> {
    let newest = operations.audits().await.map_err(refused)?.into_iter().next();
    let link = Link::html("Hardening", "/admin/hardening");
    let Some(newest) = newest else {
        return Ok(Card::new("Hardening").aside(Badge::html("Never audited", Tone::Warn)).html(link));
    };
    let verdict = match (newest.must_fails, newest.fails) {
        (0, 0) => Badge::html("Nothing fails", Tone::Ok),
        (0, fails) => Badge::html(format!("{fails} checks fail"), Tone::Warn),
        (must, _) => Badge::html(format!("{must} must checks fail"), Tone::Bad),
    };
    let facts = Facts::new()
        .fact("Score", Html::text(format!("{} of 100", newest.score)))
        .fact("Taken at", Html::text(super::hardening::moment(&newest.taken_at)));
    Ok(Card::new("Hardening").aside(verdict).add(&facts).html(link))
}

fn certificates(operations: &dyn Operations, now: Timestamp) -> Card {
    let all = operations.certificates();
    let soonest = all.iter().map(|one| one.not_after).min();
    let state = match soonest {
        Some(end) if end <= now => Badge::html("Expired", Tone::Bad),
        Some(end) if end.since(now) < SOON => Badge::html("Ends soon", Tone::Warn),
        _ => Badge::html("Valid", Tone::Ok),
    };
    let mut card = Card::new("Certificates").aside(state);
    for one in &all {
        card = card.add(&certificate(one, now));
    }
    card
}

fn certificate(one: &CertificateState, now: Timestamp) -> Facts {
    let days = one.not_after.since(now).as_secs() / 86_400;
    Facts::new()
        .fact("For", Html::text(&one.purpose))
        .fact("Names", Html::mono(one.names.join(", ")))
        .fact("Valid until", Html::text(format!("{}, {days} days", day(one.not_after))))
        .fact("From", Html::mono(&one.place))
        .fact("SHA-256", Html::mono(&one.fingerprint))
}

async fn latest(desk: &Desk<'_>) -> Result<Card, PageError> {
    let query = AuditQuery { limit: LATEST, ..AuditQuery::default() };
    let found = desk.portal.control.audit_log(&desk.actor, &query).await?;
    let mut timeline = Timeline::new();
    for record in &found.records {
        let what = Html::join([Html::mono(&record.action), Html::mono(&record.target)]);
        timeline = timeline.entry(what, minute(record.at), &record.principal);
    }
    Ok(Card::new("Latest changes").aside(Link::html("Audit log", "/admin/audit-log")).add(&timeline))
}
