//! Checking files: what loads, what is refused, and why.

use serde::Serialize;

use crate::artifact::{Artifact, compile};
use crate::compile::Fault;

/// Outcome of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is an artifact and compiles.
    Loaded,
    /// It is not, or has faults.
    Refused,
}

/// Why a file is refused.
#[derive(Clone, Debug, Serialize)]
pub struct Reason {
    /// Line, from 1.
    pub line: u32,
    /// Mediator, or part of the artifact.
    pub mediator: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: String,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Path as given.
    pub path: String,
    /// Kind of the artifact.
    pub kind: String,
    /// Outcome.
    pub status: Status,
    /// Every reason, in the order of lines; for a file that loads, what the operator should know about it.
    pub reasons: Vec<Reason>,
}

/// All files.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Number of files that load.
    pub loaded: usize,
    /// Number of files that are refused.
    pub refused: usize,
    /// Files in the order they were given.
    pub artifacts: Vec<Checked>,
}

impl Report {
    /// Adds a file; the artifact is given back when it loads.
    pub fn add(&mut self, path: &str, text: &str) -> Option<Artifact> {
        let compiled = compile(text);
        let (artifact, faults) = match compiled.result {
            Ok(artifact) => (Some(artifact), Vec::new()),
            Err(faults) => (None, faults),
        };
        let reasons = if artifact.is_some() { compiled.notes } else { faults };
        self.note(path, &compiled.kind, reasons, artifact.is_some());
        artifact
    }

    /// Adds a file that is refused before it is compiled, such as one that is not text.
    pub fn refuse(&mut self, path: &str, kind: &str, reason: &str, hint: &str) {
        let fault = Fault { line: 1, mediator: kind.to_owned(), reason: reason.to_owned(), hint: hint.to_owned() };
        self.note(path, kind, vec![fault], false);
    }

    fn note(&mut self, path: &str, kind: &str, faults: Vec<Fault>, loaded: bool) {
        let mut reasons: Vec<Reason> = faults
            .into_iter()
            .map(|fault| Reason { line: fault.line, mediator: fault.mediator, reason: fault.reason, hint: fault.hint })
            .collect();
        reasons.sort_by_key(|reason| reason.line);
        let status = if loaded { Status::Loaded } else { Status::Refused };
        match status {
            Status::Loaded => self.loaded += 1,
            Status::Refused => self.refused += 1,
        }
        self.artifacts.push(Checked { path: path.to_owned(), kind: kind.to_owned(), status, reasons });
    }

    /// Kinds with the number of loaded and refused files, in the order of their names.
    pub fn kinds(&self) -> Vec<(String, usize, usize)> {
        let mut kinds: std::collections::BTreeMap<&str, (usize, usize)> = std::collections::BTreeMap::new();
        for file in &self.artifacts {
            let counts = kinds.entry(&file.kind).or_default();
            match file.status {
                Status::Loaded => counts.0 += 1,
                Status::Refused => counts.1 += 1,
            }
        }
        kinds.into_iter().map(|(kind, (loaded, refused))| (kind.to_owned(), loaded, refused)).collect()
    }
}
