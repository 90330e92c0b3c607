//! Rules of the repository that neither the compiler nor clippy checks.
//!
//! A hard finding fails; a soft one is counted, and listed with `--soft`. A new rule is a function over a [`source::Source`] or
//! a document that pushes [`Finding`]s.

mod budgets;
mod documents;
mod edges;
mod source;
mod wording;

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// List the soft findings too, not only their number.
    #[arg(long)]
    soft: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Hard,
    Soft,
}

struct Finding {
    weight: Weight,
    /// File relative to the root, or the crate.
    place: String,
    /// Line, from 1; 0 where a line means nothing.
    line: usize,
    text: String,
}

impl Finding {
    fn hard(place: &str, line: usize, text: &str) -> Self {
        Self { weight: Weight::Hard, place: place.to_owned(), line, text: text.to_owned() }
    }

    fn soft(place: &str, line: usize, text: &str) -> Self {
        Self { weight: Weight::Soft, ..Self::hard(place, line, text) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.place, self.text),
            line => write!(f, "{}:{line}: {}", self.place, self.text),
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut findings = Vec::new();
    edges::check(&workspace::metadata()?, &mut findings);
    let files = files(workspace::root())?;
    for path in &files {
        let Ok(text) = std::fs::read_to_string(workspace::root().join(path)) else {
            continue; // not text, or deleted but still in the index
        };
        wording::check(path, &text, &mut findings);
        if path.ends_with(".rs") {
            let source = source::Source::new(path, &text);
            budgets::check(&source, &mut findings);
            wording::check_source(&source, &mut findings);
        }
    }
    documents::check(workspace::root(), &files, &mut findings);
    report(&findings, options)
}

fn report(findings: &[Finding], options: &Options) -> Result<()> {
    let hard = findings.iter().filter(|finding| finding.weight == Weight::Hard).count();
    for finding in findings {
        match finding.weight {
            Weight::Hard => println!("{finding}"),
            Weight::Soft if options.soft => println!("soft: {finding}"),
            Weight::Soft => {}
        }
    }
    println!("tidy: {hard} violations, {} soft findings", findings.len() - hard);
    if hard > 0 {
        bail!("{hard} rules of the repository are broken, see above");
    }
    Ok(())
}

/// Every file that is or would be committed, relative to the root.
fn files(root: &Path) -> Result<Vec<String>> {
    let listed = process::capture(Command::new("git").current_dir(root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]))?;
    let mut files: Vec<String> = listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Ok(files)
}
