//! The audit log: search, one record, verification of the chain, export.

use std::sync::Arc;

use control::{AuditQuery, AuditView};
use http::{HeaderValue, StatusCode, header};
use model::Timestamp;
use serde_json::json;
use web::{Answer, Call, Permit, RouteTable};

use super::{ADMIN, Desk, SIZE, address, number};
use crate::page::PageError;
use crate::ui::{
    Actions, Badge, Button, Card, Code, Column, Empty, Facts, Field, Form, Html, Link, Notice, Page, Pager, Table,
    Tone, minute,
};
use crate::{Portal, get, post};

const LIST: &str = "/admin/audit-log";
const EXPORT: &str = "/admin/audit-log/export";
const VERIFY: &str = "/admin/audit-log/verify";
/// Records of one file.
const EXPORTED: i64 = 10_000;

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.audit_log", LIST, "The audit log"), ADMIN, list)
        .page(get("portal.admin.audit_log.export", EXPORT, "The audit log as a file"), ADMIN, export)
        .page(post("portal.admin.audit_log.verify", VERIFY, "Verify the audit log"), ADMIN, verify)
        .page(
            get("portal.admin.audit_log.record", "/admin/audit-log/{sequence}", "A record of the audit log"),
            ADMIN,
            show,
        )
}

/// What the log is asked for, as it was typed.
struct Wanted<'c> {
    principal: &'c str,
    action: &'c str,
    target: &'c str,
    from: &'c str,
    until: &'c str,
    before: Option<i64>,
}

impl<'c> Wanted<'c> {
    fn of(call: &'c Call) -> Self {
        let text = |name| call.query(name).unwrap_or_default().trim();
        Self {
            principal: text("query"),
            action: text("action"),
            target: text("target"),
            from: text("from"),
            until: text("until"),
            before: text("before").parse().ok(),
        }
    }

    /// A day that cannot be read does not restrict; the page says so.
    fn query(&self, limit: i64) -> AuditQuery {
        AuditQuery {
            principal: self.principal.to_owned(),
            action: self.action.to_owned(),
            target: self.target.to_owned(),
            from: start_of(self.from),
            // Up to the end of the day that is named.
            until: start_of(self.until).map(|day| day.plus(std::time::Duration::from_hours(24))),
            before: self.before,
            limit,
        }
    }

    fn is_misread(&self) -> bool {
        [self.from, self.until].iter().any(|day| !day.is_empty() && start_of(day).is_none())
    }

    fn is_empty(&self) -> bool {
        [self.principal, self.action, self.target, self.from, self.until].iter().all(|text| text.is_empty())
    }

    fn address(&self, path: &str) -> String {
        let parameters = [
            ("query", self.principal),
            ("action", self.action),
            ("target", self.target),
            ("from", self.from),
            ("until", self.until),
        ];
        address(path, &parameters)
    }
}

/// The first moment of a day in UTC, as in `2026-11-21`.
fn start_of(day: &str) -> Option<Timestamp> {
    let mut parts = day.split('-');
    let (year, month, date) = (parts.next()?, parts.next()?, parts.next()?);
    let shaped = year.len() == 4 && month.len() == 2 && date.len() == 2 && parts.next().is_none();
    let (year, month, date): (i64, i64, i64) = (year.parse().ok()?, month.parse().ok()?, date.parse().ok()?);
    if !shaped
        || !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=days_of(year, month)).contains(&date)
    {
        return None;
    }
    let years: i64 = (1970..year).map(|y| if is_leap(y) { 366 } else { 365 }).sum();
    let months: i64 = (1..month).map(|m| days_of(year, m)).sum();
    Some(Timestamp::from_seconds((years + months + date - 1) * 86_400))
}

const fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "audit-log");
    let wanted = Wanted::of(&call);
    let limit = i64::try_from(SIZE).unwrap_or(25);
    let found = portal.control.audit_log(&desk.actor, &wanted.query(limit)).await?;
    let columns = vec![
        Column::number("No."),
        Column::new("When"),
        Column::new("Who"),
        Column::new("What"),
        Column::new("Of what"),
    ];
    let older = found.next.map(|next| format!("{}before={next}", wanted.address(LIST)));
    let mut table = Table::new("Records", columns).pager(Pager {
        place: found.records.first().map(|first| format!("from {} on", first.sequence)).unwrap_or_default(),
        before: wanted.before.map(|_| wanted.address(LIST).trim_end_matches(['?', '&']).to_owned()),
        after: older.clone(),
    });
    table = table.empty(nothing(&wanted, older));
    for record in &found.records {
        table.row(row(record));
    }
    let mut page = Page::new("Audit log")
        .lead("Every change by people and systems. Each record holds the hash of the one before it.")
        .add(&filters(&wanted));
    if wanted.is_misread() {
        page = page.add(&Notice::new(
            Tone::Warn,
            "A day was not understood",
            "Days are written as in 2026-11-21. The list is not restricted by it.",
        ));
    }
    let file = wanted.address(EXPORT).trim_end_matches(['?', '&']).to_owned();
    let verify = Button::new(desk.csrf(), VERIFY, "Verify the chain").html();
    let actions = Actions::new().action(verify, "Reads every record and its hash.").action(
        Link::html("Download these records", file),
        "JSON lines, at most 10,000. The download is in the log too.",
    );
    desk.frame.answer(page.add(&table).add(&Card::new("").add(&actions)))
}

fn nothing(wanted: &Wanted<'_>, older: Option<String>) -> Empty {
    match older {
        Some(path) => {
            Empty::new("Nothing in this part of the log", "The search goes through the log in parts, the newest first.")
                .action("Search older records", path)
        }
        None if wanted.is_empty() => Empty::new("No records", "The first change writes the first record."),
        None => Empty::new("No record found", "No record fits all of what you asked for.").action("All records", LIST),
    }
}

fn filters(wanted: &Wanted<'_>) -> Form {
    Form::search(LIST, "Search")
        .field(Field::text("query", "Who").value(wanted.principal))
        .field(Field::text("action", "What").value(wanted.action))
        .field(Field::text("target", "Of what").value(wanted.target))
        .field(Field::text("from", "From (2026-11-21)").value(wanted.from).max(10))
        .field(Field::text("until", "To (2026-11-30)").value(wanted.until).max(10))
}

fn row(record: &AuditView) -> Vec<Html> {
    let sequence = Link::html(record.sequence.to_string(), format!("{LIST}/{}", record.sequence));
    let sequence = if record.intact { sequence } else { Html::join([sequence, Badge::html("Changed", Tone::Bad)]) };
    vec![
        sequence,
        Html::text(minute(record.at)),
        Html::text(&record.principal),
        Html::mono(&record.action),
        Html::mono(&record.target),
    ]
}

async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "audit-log");
    let (record, follows) = portal.control.audit_record(&desk.actor, call.path_id("sequence")?).await?;
    let facts = Facts::new()
        .fact("When", Html::mono(record.at.rfc3339()))
        .fact("Who", Html::text(&record.principal))
        .fact("What", Html::mono(&record.action))
        .fact("Of what", target(&record.target))
        .fact("Id", Html::mono(&record.id))
        .fact("Hash", Html::mono(&record.hash))
        .fact("Hash of the record before", Html::mono(&record.previous_hash));
    let notice = match (record.intact, follows) {
        (true, true) => Notice::new(
            Tone::Ok,
            "The record is as it was written",
            "Its hash is that of its content, and it follows on the record before it.",
        ),
        (false, _) => Notice::new(
            Tone::Bad,
            "The record was changed after it was written",
            "Its hash is not that of its content. Compare it with a backup or with a log server.",
        ),
        (true, false) => Notice::new(
            Tone::Bad,
            "The record before it was changed or removed",
            "It does not hold the hash of the record that stands there now.",
        ),
    };
    let page = Page::new(format!("Record {}", record.sequence))
        .crumb("Audit log", LIST)
        .add(&notice)
        .add(&Card::new("").add(&facts));
    desk.frame.answer(page)
}

/// What was changed, with the way to it where this console has a page for it.
fn target(target: &str) -> Html {
    let page = target.split_once('/').and_then(|(kind, id)| {
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let base = match kind {
            "user" => "/admin/users",
            "role" => "/admin/roles",
            "key-manager" => "/admin/key-managers",
            _ => return None,
        };
        plain.then(|| format!("{base}/{id}"))
    });
    match page {
        Some(path) => Link::html(target, path),
        None => Html::mono(target),
    }
}

async fn verify(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "audit-log");
    let found = portal.control.verify_audit_log().await?;
    let at = minute(portal.clock.now());
    // How long the log of the whole installation is, is no business of a tenant.
    let notice = match found {
        Ok(ref chain) => {
            let text = if desk.is_super() {
                format!("{} records were read at {at}.", number(chain.records))
            } else {
                format!("It was read at {at}.")
            };
            Notice::new(
                Tone::Ok,
                "The chain is whole",
                format!("{text} No record was changed, removed, put in between or cut off."),
            )
        }
        Err(ref fault) => {
            let text = format!(
                "This is wrong: {fault}. Somebody changed the database outside of Portcullis. Keep a copy of the database, \
                 and compare with a backup made before."
            );
            Notice::new(Tone::Bad, "The chain is broken", text)
        }
    };
    let file = Code::new("Command", "portcullis backup list");
    let mut page = Page::new("Verification of the audit log").crumb("Audit log", LIST).add(&notice);
    if found.is_err() {
        page = page.add(&file);
    }
    desk.frame.answer(page)
}

async fn export(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "audit-log");
    let found = portal.control.audit_log(&desk.actor, &Wanted::of(&call).query(EXPORTED)).await?;
    let mut lines = String::new();
    for record in &found.records {
        let line = json!({
            "sequence": record.sequence, "id": record.id, "at": record.at.rfc3339(), "principal": record.principal,
            "action": record.action, "target": record.target, "previousHash": record.previous_hash, "hash": record.hash,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    // Whoever takes the log away is in the log.
    desk.note("portal.audit_log.export", "audit-log").await?;
    let mut answer = web::text(StatusCode::OK, "application/x-ndjson", lines);
    let day: String = portal.clock.now().rfc3339().chars().take(10).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"audit-log-{day}.jsonl\"")) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::{start_of, target};

    #[test]
    fn days_are_read_exactly_or_not_at_all() {
        let seconds = |day: &str| start_of(day).map(model::Timestamp::seconds);
        assert_eq!(
            (seconds("1970-01-01"), seconds("2024-02-29"), seconds("2026-11-21")),
            (Some(0), Some(1_709_164_800), Some(1_795_219_200))
        );
        for wrong in [
            "",
            "2026",
            "2026-2-1",
            "2026-02-30",
            "2025-02-29",
            "2026-13-01",
            "2026-00-10",
            "1969-12-31",
            "2026-11-21-1",
            "+026-01-01",
            "x",
            "10000-01-01",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_target_is_a_link_only_when_it_is_an_id() {
        assert!(target("user/5f0c").to_string().contains("href=\"/admin/users/5f0c\""));
        for other in ["user/../../x", "user/", "api/5f0c", "user/a?b", "user/<b>"] {
            assert!(!target(other).to_string().contains("href"), "{other}");
        }
    }
}
