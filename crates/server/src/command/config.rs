//! `portcullis config`

use serde_json::json;

use crate::cli::ConfigCommand;
use crate::config::{self, Severity};
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::terminal::{Terminal, table};

pub(super) fn run(home: &Home, command: ConfigCommand, terminal: Terminal) -> Outcome {
    match command {
        ConfigCommand::Check { file, overlay } => {
            if file.is_none() {
                home.require_initialised()?;
            }
            let file = file.unwrap_or_else(|| home.config_file());
            let (findings, usable) = match config::load(&file, overlay.as_deref(), &variable) {
                Ok(loaded) => (loaded.notes, true),
                Err(findings) => (findings, false),
            };
            let findings_data = findings.iter().map(|f| {
                json!({
                    "severity": if f.severity == Severity::Error { "error" } else { "note" }, "code": f.code,
                    "file": f.file, "line": f.line, "column": f.column, "path": f.path, "what": f.summary,
                    "why": f.reason, "nearest": f.nearest, "fix": f.fix,
                })
            });
            let data = json!({ "usable": usable, "findings": findings_data.collect::<Vec<_>>() });
            terminal.result(&data, || {
                if findings.is_empty() {
                    format!("{} is correct.", file.display())
                } else {
                    config::render_all(&findings)
                }
            });
            if usable {
                return Ok(());
            }
            // Everything has been said; the exit code is what is left.
            Err(Failure { exit: Exit::Configuration, reports: Vec::new() })
        }
        ConfigCommand::Show { overlay } => {
            let loaded = crate::installation::load_config(home, overlay.as_deref())?;
            let rows: Vec<Vec<String>> =
                loaded.effective.iter().map(|e| vec![e.path.clone(), e.value.clone(), e.origin.clone()]).collect();
            let data: Vec<_> = loaded
                .effective
                .iter()
                .map(|e| json!({ "path": e.path, "value": e.value, "origin": e.origin }))
                .collect();
            terminal.result(&json!(data), || table(&["setting", "value", "from"], &rows));
            Ok(())
        }
        ConfigCommand::Docs => {
            terminal.raw(config::reference_markdown().trim_end());
            Ok(())
        }
        ConfigCommand::Schema => {
            terminal.raw(config::schema_json().trim_end());
            Ok(())
        }
    }
}
