//! One page without scripts, for a screen in light or dark and for paper.

use std::fmt::Write as _;

use super::junit::escape;
use super::{Report, Result, Status};
use crate::{Severity, guideline};

const STYLE: &str = ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--line:#d0d7de;--bad:#b3261e;--warn:#8a5300;--good:#1a6b2f;--soft:#57606a}\
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--line:#30363d;--bad:#ff8a80;--warn:#f0b429;--good:#7ee787;--soft:#9da7b3}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .3rem}table{border-collapse:collapse;width:100%}\
td,th{border-bottom:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top}th{font-weight:600}\
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}.fails{color:var(--bad);font-weight:600}.unknown,.waived{color:var(--warn)}\
.holds,.attested{color:var(--good)}.not-applicable,.soft{color:var(--soft)}.score{font-size:2.2rem;font-weight:700}\
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}";

pub(super) fn render(report: &Report) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>Security audit</title>\n<style>",
    );
    page.push_str(STYLE);
    page.push_str("</style>\n</head>\n<body>\n<main>\n<h1>Security audit</h1>\n");
    let c = &report.counts;
    let _ = write!(
        page,
        "<p>{} <code>{}</code><br><span class=\"soft\">{}, {}</span></p>\n<p><span class=\"score\">{}</span> of 100. \
         {} hold, {} fail ({} must), {} waived, {} vouched for, {} not known, {} do not apply.</p>\n",
        escape(&report.subject.product),
        escape(&report.subject.home),
        escape(&report.taken_at),
        if report.exposed { "exposed" } else { "on this machine only" },
        report.score,
        c.holds,
        c.fails,
        c.must_fails,
        c.waived,
        c.attested,
        c.unknown,
        c.not_applicable
    );
    overview(&mut page, report);
    for group in &report.guidelines {
        let _ = writeln!(page, "<h2 id=\"{0}\">{0} {1}</h2>", group.id, escape(group.title));
        if let Some(known) = guideline(group.id) {
            let _ = writeln!(page, "<p class=\"soft\">{}</p>", escape(known.rationale));
        }
        page.push_str("<table>\n<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Result</th><th scope=\"col\">What was seen</th></tr></thead>\n<tbody>\n");
        for result in &group.checks {
            row(&mut page, result);
        }
        page.push_str("</tbody>\n</table>\n");
    }
    accepted(&mut page, report);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn overview(page: &mut String, report: &Report) {
    page.push_str("<table>\n<caption class=\"soft\">Every guideline</caption>\n<thead><tr><th scope=\"col\">Guideline</th><th scope=\"col\">Result</th></tr></thead>\n<tbody>\n");
    for group in &report.guidelines {
        let _ = writeln!(
            page,
            "<tr><td><a href=\"#{0}\">{0}</a> {1}</td><td class=\"{2}\">{3}</td></tr>",
            group.id,
            escape(group.title),
            class(group.status),
            group.status.word()
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

fn class(status: Status) -> &'static str {
    if status == Status::NotApplicable { "not-applicable" } else { status.word() }
}

fn row(page: &mut String, result: &Result) {
    let weight = if result.check.severity == Severity::Must { "must" } else { "should" };
    let _ = write!(
        page,
        "<tr><td>{} <span class=\"soft\">{weight}</span><br>{}</td><td class=\"{}\">{}</td><td>",
        result.check.id,
        escape(result.check.title),
        class(result.status),
        result.status.word()
    );
    for fault in result.findings.iter().chain(&result.waived) {
        let _ = write!(
            page,
            "<p><code>{}</code> {}<br><span class=\"soft\">Fix:</span> {}</p>",
            escape(&fault.place),
            escape(&fault.observed),
            escape(&fault.fix)
        );
    }
    if !result.detail.is_empty() {
        let _ = write!(page, "<p class=\"soft\">{}</p>", escape(&result.detail));
    }
    if !result.needs.is_empty() {
        let _ = write!(page, "<p class=\"soft\">Needs: {}</p>", escape(&result.needs));
    }
    page.push_str("</td></tr>\n");
}

fn accepted(page: &mut String, report: &Report) {
    if report.waivers.is_empty() && report.attestations.is_empty() && report.ineffective.is_empty() {
        return;
    }
    page.push_str("<h2 id=\"accepted\">Waivers and statements</h2>\n<ul>\n");
    for waiver in &report.waivers {
        let _ = writeln!(
            page,
            "<li>{} waived by {} until {}: {}</li>",
            escape(&waiver.id),
            escape(&waiver.owner),
            escape(&waiver.expires),
            escape(&waiver.reason)
        );
    }
    for statement in &report.attestations {
        let _ = writeln!(
            page,
            "<li>{} vouched for by {} until {}: {}</li>",
            escape(&statement.id),
            escape(&statement.owner),
            escape(&statement.expires),
            escape(&statement.reason)
        );
    }
    for note in &report.ineffective {
        let _ = writeln!(page, "<li class=\"unknown\">{}</li>", escape(note));
    }
    page.push_str("</ul>\n");
}
