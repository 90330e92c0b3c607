//! Reports that were kept, and what changed between them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use guidelines::{Format, Report, drift, render};
use model::Rng;
use serde_json::{Value, json};

use super::signature;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::terminal::{Terminal, printable, table};

/// How many reports are kept.
const KEPT: usize = 200;

/// Where reports are kept.
pub(crate) fn directory(home: &Home) -> PathBuf {
    home.root().join("audit")
}

/// Keeps a report with its signature; the oldest beyond [`KEPT`] go.
pub(crate) fn keep(home: &Home, report: &Report, rng: &dyn Rng) -> Outcome<PathBuf> {
    let directory = directory(home);
    vault::ensure_private_directory(&directory).map_err(|e| {
        Failure::from_text(Exit::Io, "IO001", format!("cannot create {}", directory.display()), &e.to_string())
    })?;
    let path = directory.join(format!("{}.json", report.taken_at.replace(':', "-")));
    let text = render(report, Format::Json, rng);
    std::fs::write(&path, &text).map_err(|e| Failure::io(&path, "write", &e))?;
    // A report without signature is worth keeping too: the vault may be what is broken.
    let _ = signature::write(home, &path, text.as_bytes(), report);
    let all = reports(home);
    for old in all.iter().take(all.len().saturating_sub(KEPT)) {
        let _ = std::fs::remove_file(old);
        let _ = std::fs::remove_file(signature::beside(old));
    }
    Ok(path)
}

/// The kept reports, oldest first; their names are their times.
pub(crate) fn reports(home: &Home) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(directory(home)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = listed.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    found.sort();
    found
}

pub(super) fn list(home: &Home, terminal: Terminal) -> Outcome {
    home.require_initialised()?;
    let mut rows = Vec::new();
    for path in reports(home) {
        let Ok(report) = load(&path) else { continue };
        let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or(0).to_string();
        let at = report.get("taken_at").and_then(Value::as_str).unwrap_or_default().to_owned();
        rows.push(vec![
            at,
            number("/score"),
            number("/counts/fails"),
            number("/counts/must_fails"),
            path.display().to_string(),
        ]);
    }
    let data: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "takenAt": row.first(), "score": row.get(1), "fails": row.get(2), "mustFails": row.get(3), "file": row.get(4) }))
        .collect();
    terminal.result(&json!(data), || table(&["taken at", "score", "fail", "must", "file"], &rows));
    Ok(())
}

/// Compares two reports. Ends with a refusal when the state is worse, so that a job can tell.
pub(super) fn diff(home: &Home, files: Option<(PathBuf, PathBuf)>, terminal: Terminal) -> Outcome {
    let (before, after) = match files {
        Some(files) => files,
        None => {
            let all = reports(home);
            match all.as_slice() {
                [.., before, after] => (before.clone(), after.clone()),
                _ => {
                    let what = "there are no two reports to compare";
                    return Err(Failure::new(Exit::NotFound, "AUD006", what, "", home.command("audit")));
                }
            }
        }
    };
    let drift = drift(&load(&before)?, &load(&after)?).ok_or_else(|| not_a_report(&after))?;
    terminal.result(&json!(drift), || {
        let mut text = format!("Score {} before, {} after.\n", drift.score_before, drift.score_after);
        for (id, title, was, is) in &drift.changed {
            let word = |word: &str| if word.is_empty() { "not asked".to_owned() } else { printable(word) };
            let _ = writeln!(text, "{id}  {} -> {}  {}", word(was), word(is), printable(title));
        }
        for (sign, list) in [("+", &drift.appeared), ("-", &drift.gone)] {
            for (id, place, observed) in list {
                let _ = writeln!(text, "{sign} {id}  {} {}", printable(place), printable(observed));
            }
        }
        text
    });
    if drift.is_worse() {
        return Err(Failure::new(
            Exit::Refused,
            "AUD007",
            "the state is worse than before",
            "",
            "audit, and do what the findings say",
        ));
    }
    Ok(())
}

/// A report as JSON.
pub(crate) fn load(path: &Path) -> Outcome<Value> {
    const CAP: u64 = 64 << 20;
    let length = std::fs::metadata(path).map_err(|e| Failure::io(path, "read", &e))?.len();
    if length > CAP {
        return Err(not_a_report(path));
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::io(path, "read", &e))?;
    serde_json::from_slice(&bytes).map_err(|_| not_a_report(path))
}

fn not_a_report(path: &Path) -> Failure {
    let what = format!("{} is not a report in JSON", path.display());
    Failure::new(Exit::Configuration, "AUD008", what, "", "make one: portcullis audit --format json --out FILE")
}
