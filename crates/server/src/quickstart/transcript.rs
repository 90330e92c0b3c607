//! What quickstart shows: each step with its command, or one document for machines.

use serde_json::{Value, json};

use crate::cli::Format;
use crate::terminal::Terminal;

pub(super) struct Transcript {
    terminal: Terminal,
    steps: Vec<Value>,
}

impl Transcript {
    pub(super) const fn new(terminal: Terminal) -> Self {
        Self { terminal, steps: Vec::new() }
    }

    /// A line without a command.
    pub(super) fn note(&self, text: &str) {
        if self.terminal.format() == Format::Table {
            self.terminal.raw(text);
        }
    }

    /// A step that was done: what, with what outcome, and the command that does the same.
    pub(super) fn step(&mut self, what: &str, outcome: &str, command: &str) {
        let number = self.steps.len().saturating_add(1);
        if self.terminal.format() == Format::Table {
            self.terminal.raw(&format!("\n{number}. {what}: {outcome}"));
            for line in command.lines() {
                self.terminal.raw(&format!("   {}", self.terminal.muted(line)));
            }
        }
        self.steps.push(json!({ "step": what, "outcome": outcome, "command": command }));
    }

    /// The end: where everything is.
    pub(super) fn end(&self, text: &str, data: &Value) {
        let mut data = data.clone();
        if let Some(members) = data.as_object_mut() {
            members.insert("steps".to_owned(), json!(self.steps));
        }
        self.terminal.result(&data, || format!("\n{}\n", text.trim_end()));
    }
}
