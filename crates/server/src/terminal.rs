//! Talking to the operator: results to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write as _};

use owo_colors::OwoColorize as _;
use serde_json::Value;

use crate::cli::Format;
use crate::failure::Failure;

/// Where results and talk go, and how they look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    format: Format,
    colour: bool,
    progress: bool,
}

impl Terminal {
    /// Colour and progress only on a terminal; `no_color` is whether NO_COLOR is set to anything.
    pub(crate) fn new(format: Format, no_color: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { format, colour: terminal && !no_color, progress: terminal }
    }

    /// The format of results.
    pub(crate) const fn format(self) -> Format {
        self.format
    }

    /// Whether a progress bar can be shown.
    pub(crate) const fn shows_progress(self) -> bool {
        self.progress
    }

    /// Whether talk goes to a terminal.
    pub(crate) const fn is_terminal(self) -> bool {
        self.progress
    }

    /// Whether talk may be coloured.
    pub(crate) const fn has_colour(self) -> bool {
        self.colour
    }

    /// A line of talk.
    pub(crate) fn say(self, text: &str) {
        // Nobody to talk to is no reason to stop.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A result: as text for people, or as data for machines.
    pub(crate) fn result(self, data: &Value, text: impl FnOnce() -> String) {
        let rendered = match self.format {
            Format::Table => text(),
            Format::Json => serde_json::to_string_pretty(data).unwrap_or_default(),
            Format::Yaml => serde_saphyr::to_string(data).unwrap_or_default(),
        };
        self.raw(rendered.trim_end_matches('\n'));
    }

    /// Text to standard output, exactly, with one line end.
    pub(crate) fn raw(self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
    }

    /// Bytes to standard output as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes);
        let _ = out.flush();
    }

    /// A failure, as people or machines read it.
    pub(crate) fn fail(self, failure: &Failure) {
        if self.format == Format::Table {
            for report in &failure.reports {
                let head = format!("error[{}]", report.code);
                let head = if self.colour { head.red().bold().to_string() } else { head };
                self.say(&format!("{head}: {}", report.what));
                for (label, text) in [("why", &report.why), ("fix", &report.fix)] {
                    if !text.is_empty() {
                        let label = if self.colour { label.bold().to_string() } else { label.to_owned() };
                        self.say(&format!("  {label}: {}", text.replace('\n', "\n       ")));
                    }
                }
            }
            return;
        }
        let errors: Vec<Value> = failure
            .reports
            .iter()
            .map(|r| serde_json::json!({"code": r.code, "what": r.what, "why": r.why, "fix": r.fix}))
            .collect();
        self.say(&serde_json::json!({ "exit": failure.exit.code(), "errors": errors }).to_string());
    }

    /// Muted text where colour is possible.
    pub(crate) fn muted(self, text: &str) -> String {
        if self.colour { text.dimmed().to_string() } else { text.to_owned() }
    }
}

/// A table of text with a head line; no borders, so that it can be cut and searched.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(head.iter().map(|h| h.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    table
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Text from elsewhere without the control characters that would move a terminal's cursor or colour.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{printable, table};

    #[test]
    fn tables_have_no_escape_sequences_of_strangers() {
        let text = table(&["name"], &[vec!["\u{1b}[31mred\nnext".into()]]);
        assert!(!text.contains('\u{1b}'));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert_eq!(printable("a\u{7}b"), "a\u{fffd}b");
    }
}
