//! The report for a terminal.

use std::fmt::Write as _;

use super::{Report, Result, Status};
use crate::Severity;

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} {} at {}", report.subject.product, line(&report.subject.home), report.taken_at);
    for guideline in report.guidelines.iter().filter(|g| g.checks.iter().any(|c| c.status == Status::Fails)) {
        let _ = writeln!(text, "\n{} {}", guideline.id, guideline.title);
        for result in guideline.checks.iter().filter(|result| result.status == Status::Fails) {
            let weight = if result.check.severity == Severity::Must { "MUST" } else { "should" };
            let _ = writeln!(text, "  {:<7} {:<6}  {}", result.check.id, weight, result.check.title);
            for fault in &result.findings {
                let place = if fault.place.is_empty() { String::new() } else { format!("{}: ", line(&fault.place)) };
                let _ = writeln!(
                    text,
                    "           {place}{}\n             fix: {}",
                    line(&fault.observed),
                    line(&fault.fix)
                );
            }
        }
    }
    section(&mut text, report, Status::Unknown, "Not known");
    section(&mut text, report, Status::Attested, "Vouched for");
    section(&mut text, report, Status::Waived, "Waived");
    for note in &report.ineffective {
        let _ = writeln!(text, "\nNote: {}", line(note));
    }
    let table = report.guidelines.iter().map(|guideline| format!("{} {}", guideline.id, guideline.status.word()));
    let _ = writeln!(text, "\n{}", wrapped(table));
    let c = &report.counts;
    let _ = writeln!(
        text,
        "\nScore {} of 100. {} hold, {} fail ({} must), {} waived, {} vouched for, {} not known, {} do not apply.",
        report.score, c.holds, c.fails, c.must_fails, c.waived, c.attested, c.unknown, c.not_applicable
    );
    text
}

fn section(text: &mut String, report: &Report, status: Status, title: &str) {
    let mut some = report.results().filter(|result| result.status == status).peekable();
    if some.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    let mut groups: Vec<Vec<&Result>> = Vec::new();
    for result in some {
        // What is not known for one reason is said once.
        let alike =
            |group: &&mut Vec<&Result>| group.iter().all(|one| one.detail == result.detail && one.waived.is_empty());
        match groups.iter_mut().find(alike).filter(|_| status == Status::Unknown && result.waived.is_empty()) {
            Some(group) => group.push(result),
            None => groups.push(vec![result]),
        }
    }
    for group in groups {
        match group.as_slice() {
            [one] => {
                let _ = writeln!(text, "  {:<7} {}", one.check.id, one.check.title);
            }
            many => {
                let ids = wrapped(many.iter().map(|one| one.check.id.to_owned()));
                let _ = writeln!(text, "  {}", ids.replace('\n', "\n  "));
            }
        }
        let Some(first) = group.first() else { continue };
        for fault in &first.waived {
            let _ = writeln!(text, "           {}: {}", line(&fault.place), line(&fault.observed));
        }
        if !first.detail.is_empty() {
            let _ = writeln!(text, "           {}", line(&first.detail));
        }
        if !first.needs.is_empty() && (group.len() == 1 || !first.needs.contains(first.check.id)) {
            let _ = writeln!(text, "           needs: {}", line(&first.needs));
        } else if group.len() > 1 {
            let _ = writeln!(text, "           needs: {}", line(&first.needs.replace(first.check.id, "ID")));
        }
    }
}

/// Text from elsewhere without control characters: it must not move the cursor.
fn line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn wrapped(words: impl Iterator<Item = String>) -> String {
    let mut lines = vec![String::new()];
    for word in words {
        let full = lines.last().is_some_and(|last| last.len() + word.len() > 96);
        if full {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            let gap = if last.is_empty() { "" } else { ", " };
            last.push_str(gap);
            last.push_str(&word);
        }
    }
    lines.join("\n")
}
