//! One guideline: what it is for, what Portcullis does, what each check saw, what to do.

use std::sync::Arc;

use web::{Answer, Call, Permit, RestError};

use super::{LIST, badge, moment, report};
use crate::admin::{Desk, address};
use crate::page::PageError;
use crate::ui::{Badge, Card, Code, Facts, Html, Page, Tone};
use crate::{AuditStatus, CheckState, FindingState, GuidelineState, Portal};

/// The page of a guideline in an audit; an empty `audit` is the newest.
pub(super) fn path(id: &str, audit: &str) -> String {
    address(&format!("{LIST}/guidelines/{id}"), &[("audit", audit)]).trim_end_matches(['?', '&']).to_owned()
}

pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "hardening");
    let id = call.path("id")?;
    let unknown = || RestError::not_found("There is no such guideline in this audit.");
    let report = report(&desk, &call).await?.ok_or_else(unknown)?;
    let found = report.groups.iter().flat_map(|(_, all)| all).find(|one| one.id == id).ok_or_else(unknown)?;
    let mut page = Page::new(format!("{} {}", found.id, found.title))
        .crumb("Hardening", LIST)
        .beside(badge(found.status))
        .lead(format!("As seen at {}.", moment(&report.kept.taken_at)))
        .add(&about(found));
    for check in &found.checks {
        page = page.add(&card(check));
    }
    desk.frame.answer(page)
}

fn about(guideline: &GuidelineState) -> Card {
    let facts = Facts::new()
        .text("WSO2's guide", &guideline.seed)
        .text("Without it", &guideline.rationale)
        .text("In Portcullis", &guideline.built)
        .text(
            "Weight",
            if guideline.is_must { "must: a condition of starting with an exposed listener" } else { "should" },
        );
    Card::new("About").add(&facts)
}

fn card(check: &CheckState) -> Card {
    let weight = if check.is_must { Badge::html("must", Tone::Plain) } else { Html::default() };
    let mut card = Card::new(format!("{} {}", check.id, check.title)).aside(Html::join([badge(check.status), weight]));
    if !check.detail.is_empty() {
        card = card.text(&check.detail);
    }
    if !check.needs.is_empty() {
        card = card.add(&Facts::new().text("It takes", &check.needs));
    }
    for finding in &check.findings {
        card = found(card, finding);
    }
    match check.status {
        AuditStatus::Fails if check.is_waivable => {
            card.add(&Code::new("Accept it until a day", command("waive", &check.id)))
        }
        AuditStatus::Fails => card.text("It holds always and cannot be waived."),
        AuditStatus::Unknown => card.add(&Code::new("Vouch for it until a day", command("attest", &check.id))),
        _ => card,
    }
}

fn found(card: Card, finding: &FindingState) -> Card {
    let accepted = if finding.is_waived { Badge::html("Waived", Tone::Warn) } else { Html::default() };
    let facts = Facts::new()
        .fact("Observed", Html::join([Html::text(&finding.observed), accepted]))
        .text("Where", &finding.place);
    card.add(&facts).add(&Code::new("What to do", &finding.fix))
}

/// Accepting is done on the machine: the server can read what is accepted and cannot write it, so that whoever takes it
/// over cannot hide what is found.
fn command(verb: &str, id: &str) -> String {
    format!("portcullis audit {verb} {id} --owner NAME --reason TEXT --expires YYYY-MM-DD")
}
