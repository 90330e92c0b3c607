//! Kept audits, and what people accept or vouch for.

use std::sync::Arc;

use web::{Answer, Call, Permit};

use super::{LIST, moment, report, run_card, tabs};
use crate::admin::{Desk, address, refused};
use crate::page::PageError;
use crate::ui::{Badge, Chart, Code, Column, Empty, Html, Link, Notice, Page, Pager, Series, Shape, Table, Tone};
use crate::{Acceptance, Portal};

/// Audits in the picture.
const DRAWN: usize = 30;

pub(super) async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "hardening");
    let audits = desk.operations()?.audits().await.map_err(refused)?;
    let mut page = Page::new("Hardening").tabs(tabs("/admin/hardening/history"));
    if audits.len() > 1 {
        let drawn: Vec<_> = audits.iter().take(DRAWN).rev().collect();
        let labels = drawn.iter().map(|one| moment(&one.taken_at)).collect();
        let scores = drawn.iter().map(|one| f64::from(u32::try_from(one.score).unwrap_or(0))).collect();
        page = page.html(Chart::new(Shape::Line, "Score", "of 100", labels, vec![Series::new("Score", scores)]).html());
    }
    let (shown, pager) = Pager::cut(audits, call.query_or("from", 0)?, 25, "/admin/hardening/history?");
    let columns = vec![
        Column::new("Taken at"),
        Column::number("Score"),
        Column::number("Fail"),
        Column::number("Must fail"),
        Column::number("Not seen"),
    ];
    let mut table = Table::new("Kept audits", columns).pager(pager).empty(
        Empty::new("No audit yet", "Every audit of the whole installation is kept, signed, up to 200 of them.")
            .command("portcullis audit"),
    );
    for one in &shown {
        let path = address(LIST, &[("audit", &one.id)]);
        table.row(vec![
            Link::html(moment(&one.taken_at), path.trim_end_matches('&')),
            Html::text(one.score),
            Html::text(one.fails),
            Html::text(one.must_fails),
            Html::text(one.unknown),
        ]);
    }
    let page = page
        .add(&table)
        .add(&Code::new("What changed between the last two", "portcullis audit diff"))
        .add(&run_card(&desk));
    desk.frame.answer(page)
}

pub(super) async fn accepted(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "hardening");
    let found = report(&desk, &call).await?;
    let (waivers, attestations, ineffective) =
        found.map(|report| (report.waivers, report.attestations, report.ineffective)).unwrap_or_default();
    let today: String = portal.clock.now().rfc3339().chars().take(10).collect();
    let mut page = Page::new("Hardening").tabs(tabs("/admin/hardening/accepted")).lead(
        "A waiver accepts a finding until a day; an attestation vouches for what no program can see. Both have an owner and \
         a reason. They are given on the machine: this server can read them and cannot write them.",
    );
    for note in ineffective {
        page = page.add(&Notice::new(Tone::Warn, "Without effect", note));
    }
    let no_waivers = Empty::new("No waivers", "Nothing that is wrong is accepted.");
    let no_statements = Empty::new("No attestations", "Nobody vouches for anything that could not be seen.");
    page = page
        .heading("Waivers", "")
        .add(&table("Waivers", &waivers, &today, no_waivers))
        .add(&Code::new(
            "Accept a finding",
            "portcullis audit waive A04.1 --owner NAME --reason TEXT --expires YYYY-MM-DD",
        ))
        .heading("Attestations", "")
        .add(&table("Attestations", &attestations, &today, no_statements))
        .add(&Code::new(
            "Vouch for something",
            "portcullis audit attest N04.1 --owner NAME --reason TEXT --expires YYYY-MM-DD",
        ));
    desk.frame.answer(page)
}

fn table(caption: &str, list: &[Acceptance], today: &str, empty: Empty) -> Table {
    let columns = vec![Column::new("Of"), Column::new("Owner"), Column::new("Reason"), Column::new("Until")];
    let mut table = Table::new(caption, columns).empty(empty);
    for one in list {
        let what = if one.scope.is_empty() { one.id.clone() } else { format!("{} at {}", one.id, one.scope) };
        let ended = if one.expires.as_str() < today { Badge::html("Ended", Tone::Bad) } else { Html::default() };
        table.row(vec![
            Html::mono(what),
            Html::text(&one.owner),
            Html::text(&one.reason),
            Html::join([Html::text(&one.expires), ended]),
        ]);
    }
    table
}
