//! The hardening report: guidelines by chapter, one guideline with evidence and fix, what people accept, history.

mod guideline;
mod history;

use std::sync::Arc;

use web::{Answer, Call, Permit, RestError, RouteTable};

use super::{ADMIN, Desk, address, refused};
use crate::page::PageError;
use crate::ui::{Actions, Badge, Button, Card, Chip, Column, Empty, Facts, Html, Link, Notice, Page, Tab, Table, Tone};
use crate::{AuditReport, AuditRun, AuditStatus, GuidelineState, KeptAudit, Portal, get, post};

const LIST: &str = "/admin/hardening";
const RUN: &str = "/admin/hardening/run";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.hardening", LIST, "The hardening report"), ADMIN, list)
        .page(post("portal.admin.hardening.run", RUN, "Audit this installation"), ADMIN, run)
        .page(
            get("portal.admin.hardening.accepted", "/admin/hardening/accepted", "What people accept and vouch for"),
            ADMIN,
            history::accepted,
        )
        .page(get("portal.admin.hardening.history", "/admin/hardening/history", "Kept audits"), ADMIN, history::list)
        .page(
            get("portal.admin.hardening.guideline", "/admin/hardening/guidelines/{id}", "A guideline"),
            ADMIN,
            guideline::show,
        )
}

fn tabs(here: &str) -> Vec<Tab> {
    [
        ("Guidelines", LIST),
        ("Waivers and attestations", "/admin/hardening/accepted"),
        ("History", "/admin/hardening/history"),
    ]
    .into_iter()
    .map(|(label, path)| Tab::new(label, path, path == here))
    .collect()
}

fn tone(status: AuditStatus) -> Tone {
    match status {
        AuditStatus::Fails => Tone::Bad,
        AuditStatus::Unknown | AuditStatus::Waived => Tone::Warn,
        AuditStatus::Attested => Tone::Accent,
        AuditStatus::Holds => Tone::Ok,
        AuditStatus::NotApplicable => Tone::Plain,
    }
}

fn badge(status: AuditStatus) -> Html {
    Badge::html(status.word(), tone(status))
}

/// As in `2026-11-21 19:15 UTC`, of an RFC 3339 time.
pub(super) fn moment(rfc3339: &str) -> String {
    let text: String = rfc3339.chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}

/// The report that a page is about: the one named in the address, or the newest.
async fn report(desk: &Desk<'_>, call: &Call) -> Result<Option<AuditReport>, PageError> {
    let wanted = call.query("audit").filter(|id| !id.is_empty());
    let found = desk.operations()?.audit(wanted).await.map_err(refused)?;
    if found.is_none() && wanted.is_some() {
        return Err(RestError::not_found("This audit is not kept any more. The history lists those that are.").into());
    }
    Ok(found)
}

fn run_card(desk: &Desk<'_>) -> Card {
    let button = Button::new(desk.csrf(), RUN, "Audit now").primary().html();
    Card::new("").add(&Actions::new().action(button, "Takes some seconds. The report is kept and signed."))
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "hardening");
    let page = Page::new("Hardening").tabs(tabs(LIST)).lead(
        "WSO2's security guidelines for production, checked against this installation. What Portcullis does by itself \
         is on the page of each guideline.",
    );
    let Some(report) = report(&desk, &call).await? else {
        let empty = Empty::new(
            "No audit yet",
            "An audit looks at configuration, keys, database, host and listeners, from inside and outside.",
        )
        .command("portcullis audit");
        return desk.frame.answer(page.add(&empty).add(&run_card(&desk)));
    };
    let wanted = call.query("status").unwrap_or_default();
    let mut page = page.add(&summary(&report)).add(&run_card(&desk));
    if report.kept.unknown > 0 {
        page = page.add(&unseen(&report));
    }
    page = page.add(&chips(&report, wanted, &call));
    let of_now = call.query("audit").unwrap_or_default();
    for (chapter, guidelines) in &report.groups {
        let shown: Vec<&GuidelineState> =
            guidelines.iter().filter(|one| wanted.is_empty() || one.status.key() == wanted).collect();
        if !shown.is_empty() {
            page = page.heading(chapter, "").add(&table(chapter, &shown, of_now));
        }
    }
    desk.frame.answer(page)
}

fn summary(report: &AuditReport) -> Card {
    let KeptAudit { score, fails, must_fails, unknown, taken_at, .. } = &report.kept;
    let verdict = if *must_fails > 0 {
        Badge::html(format!("{must_fails} must checks fail"), Tone::Bad)
    } else if *fails > 0 {
        Badge::html(format!("{fails} checks fail"), Tone::Warn)
    } else {
        Badge::html("Nothing fails", Tone::Ok)
    };
    let facts = Facts::new()
        .fact("Score", Html::text(format!("{score} of 100")))
        .fact("Fail", Html::text(format!("{fails}, of which {must_fails} must")))
        .fact("Not seen", Html::text(unknown))
        .fact("Taken at", Html::text(moment(taken_at)))
        .fact("By version", Html::text(&report.program));
    Card::new("Result").aside(verdict).add(&facts)
}

/// The server is locked in: it cannot start the programs that a look at the host takes.
fn unseen(report: &AuditReport) -> Notice {
    let text = format!(
        "{} checks could not be seen. The server is locked in and cannot look at everything of its host; run portcullis \
         audit on the machine as the user of the service. What nobody can see needs an attestation.",
        report.kept.unknown
    );
    Notice::new(Tone::Plain, "Not everything was seen", text)
}

/// Filters by state, with how many guidelines each has.
fn chips(report: &AuditReport, wanted: &str, call: &Call) -> Table {
    let audit = call.query("audit").unwrap_or_default();
    let count =
        |status: AuditStatus| report.groups.iter().flat_map(|(_, all)| all).filter(|one| one.status == status).count();
    let all: usize = report.groups.iter().map(|(_, all)| all.len()).sum();
    let link =
        |status: &str| address(LIST, &[("status", status), ("audit", audit)]).trim_end_matches(['?', '&']).to_owned();
    let mut chips = vec![Chip::new(format!("All {all}"), link(""), wanted.is_empty())];
    for status in AuditStatus::ALL {
        let number = count(status);
        if number > 0 {
            chips.push(Chip::new(format!("{} {number}", status.word()), link(status.key()), wanted == status.key()));
        }
    }
    Table::new("Guidelines by state", Vec::new()).chips(chips)
}

fn table(chapter: &str, guidelines: &[&GuidelineState], audit: &str) -> Table {
    let columns = vec![Column::new("Id"), Column::new("Guideline"), Column::new("Weight"), Column::new("State")];
    let mut table = Table::new(chapter, columns);
    for one in guidelines {
        table.row(vec![
            Link::html(&one.id, guideline::path(&one.id, audit)),
            Html::text(&one.title),
            Html::text(if one.is_must { "must" } else { "should" }),
            badge(one.status),
        ]);
    }
    table
}

async fn run(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "hardening");
    match desk.operations()?.run_audit().await {
        Ok(outcome) => {
            desk.note("portal.hardening.audit", "installation").await?;
            let text = match outcome {
                AuditRun::Done(_) => "The audit is done.",
                AuditRun::Running => "The audit goes on. Open this page again in a moment.",
            };
            desk.frame.done(LIST, text)
        }
        Err(why) => {
            let notice = Notice::new(Tone::Bad, "No audit was made", why);
            let page = Page::new("Hardening").crumb("Hardening", LIST).narrow().add(&notice);
            desk.frame.answer_with(http::StatusCode::SERVICE_UNAVAILABLE, page)
        }
    }
}
