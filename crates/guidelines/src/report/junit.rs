//! JUnit XML: a suite for each guideline, a case for each check.

use std::fmt::Write as _;

use super::{Report, Result, Status};

pub(super) fn render(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = report.results().count();
    let _ = writeln!(
        xml,
        "<testsuites name=\"portcullis audit\" tests=\"{total}\" failures=\"{}\" errors=\"0\" time=\"0\">",
        report.counts.fails
    );
    let stamp = report.taken_at.get(..19).unwrap_or_default();
    for guideline in &report.guidelines {
        let count = |of: &[Status]| guideline.checks.iter().filter(|check| of.contains(&check.status)).count();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{} {}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"0\" timestamp=\"{stamp}\" hostname=\"localhost\">",
            guideline.id,
            escape(guideline.title),
            guideline.checks.len(),
            count(&[Status::Fails]),
            count(&[Status::Unknown, Status::NotApplicable, Status::Waived]),
        );
        for result in &guideline.checks {
            case(&mut xml, guideline.id, result);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, guideline: &str, result: &Result) {
    let name = format!("{} {}", result.check.id, result.check.title);
    let _ = write!(xml, "    <testcase classname=\"{guideline}\" name=\"{}\" time=\"0\"", escape(&name));
    match result.status {
        Status::Holds | Status::Attested => xml.push_str("/>\n"),
        Status::Unknown | Status::NotApplicable | Status::Waived => {
            let why = format!("{}: {}", result.status.word(), result.detail);
            let _ = writeln!(xml, "><skipped message=\"{}\"/></testcase>", escape(&why));
        }
        Status::Fails => {
            let lines = result.findings.iter().map(|f| format!("{}: {}\nfix: {}", f.place, f.observed, f.fix));
            let text = lines.collect::<Vec<_>>().join("\n");
            let first = result.findings.first().map_or("", |fault| fault.observed.as_str());
            let _ = writeln!(
                xml,
                "><failure type=\"{}\" message=\"{}\">{}</failure></testcase>",
                result.check.id,
                escape(first),
                escape(&text)
            );
        }
    }
}

/// For attributes and text; what XML 1.0 cannot carry becomes U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other if other.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
