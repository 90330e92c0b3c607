//! `cargo xtask test`: everything that has to hold before a change is merged, with real servers beside the program.

mod audit_exposed;
mod audit_reports;
mod crashes;
mod end_to_end;
mod gateway_judges;
mod instructions;
mod integrator_peers;
mod listeners;
mod oauth_clients;
mod portals;
mod rest_apis;
mod revocation;
mod tls_agreement;
mod tools;
mod updates;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use testkit::postgres::{self, Postgres};

use crate::deny;
use crate::generated;
use crate::process;
use crate::tidy;
use crate::workspace;

/// The step that runs `cargo test`.
const TESTS: &str = "tests";

/// A group of steps in which programs of other make judge the given portcullis.
type Judge = fn(&mut Steps, &Path);

/// All of them, in the order in which they run.
const JUDGES: [(&str, Judge); 10] = [
    ("audit", audit_reports::run),
    ("exposed", audit_exposed::run),
    ("crashes", crashes::run),
    ("updates", updates::run),
    ("rest", rest_apis::run),
    ("gateway", gateway_judges::run),
    ("instructions", instructions::run),
    ("integrator", integrator_peers::run),
    ("oauth", oauth_clients::run),
    ("portals", portals::run),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Leave out what takes longest: API documentation, dependencies, generated files and the end-to-end runs.
    #[arg(long)]
    fast: bool,
    /// Only the end-to-end runs.
    #[arg(long, conflicts_with = "fast")]
    end_to_end: bool,
    /// Only these judges, by name: they need no PostgreSQL.
    #[arg(long, value_name = "JUDGE", value_delimiter = ',', conflicts_with_all = ["fast", "end_to_end"],
        value_parser = clap::builder::PossibleValuesParser::new(JUDGES.map(|(name, _)| name)))]
    only: Vec<String>,
    /// What the judge `exposed` runs inside its network.
    #[arg(long, hide = true, requires = "bin")]
    exposed_inside: bool,
    /// Run this program end to end instead of building one.
    #[arg(long, value_name = "PORTCULLIS", conflicts_with = "fast")]
    bin: Option<PathBuf>,
}

/// What ran, how long it took, and how it ended.
#[derive(Default)]
struct Steps {
    rows: Vec<(String, Duration, Result<()>)>,
    tests_passed: usize,
    tests_failed: usize,
}

impl Steps {
    /// Runs a step. A failure does not keep the later steps from running: one look shows everything that is wrong.
    fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name}");
        let begun = Instant::now();
        let result = step();
        let took = begun.elapsed();
        match &result {
            Ok(()) => println!("== {name}: ok, {:.1} s", took.as_secs_f64()),
            Err(problem) => println!("== {name}: FAILED, {:.1} s\n{problem:#}", took.as_secs_f64()),
        }
        let passed = result.is_ok();
        self.rows.push((name.to_owned(), took, result));
        passed
    }

    /// Tests and steps together. The step that ran the tests counts only where it failed for another reason, such as code
    /// that does not build.
    fn total(&self) -> (usize, usize) {
        let tests_ran = self.tests_passed + self.tests_failed > 0;
        let counted = |name: &str| !(name == TESTS && tests_ran);
        let failed = self.rows.iter().filter(|(name, _, result)| counted(name) && result.is_err()).count();
        let passed = self.rows.iter().filter(|(name, _, result)| counted(name) && result.is_ok()).count();
        (passed + self.tests_passed, failed + self.tests_failed)
    }

    fn finish(self) -> Result<()> {
        println!("\n== summary");
        for (name, took, result) in &self.rows {
            println!("{:6} {name:40} {:8.1} s", if result.is_ok() { "ok" } else { "FAILED" }, took.as_secs_f64());
        }
        let failed_steps = self.rows.iter().filter(|(_, _, result)| result.is_err()).count();
        let passed_steps = self.rows.len() - failed_steps;
        println!(
            "tests: {} passed, {} failed; steps: {passed_steps} passed, {failed_steps} failed",
            self.tests_passed, self.tests_failed
        );
        let (passed, failed) = self.total();
        println!("{passed} passed, {failed} failed");
        if failed_steps > 0 {
            bail!("{failed_steps} steps failed");
        }
        Ok(())
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let (true, Some(program)) = (options.exposed_inside, &options.bin) {
        return audit_exposed::inside(program);
    }
    let mut steps = Steps::default();
    if steps.run("room on the disk", room) {
        all(&mut steps, options);
    }
    steps.finish()
}

/// The parts that the options name, or all.
fn all(steps: &mut Steps, options: &Options) {
    let mut postgres = None;
    if options.only.is_empty() {
        if !steps.run("tools and PostgreSQL", || start_postgres().map(|started| postgres = Some(started))) {
            return;
        }
        if let Some(postgres) = postgres.as_ref().filter(|_| !options.end_to_end) {
            checks(steps, postgres, options);
        }
    }
    if options.fast {
        return;
    }
    let mut portcullis = options.bin.clone();
    if portcullis.is_none() {
        steps.run("build portcullis", || workspace::build_portcullis("dev").map(|path| portcullis = Some(path)));
    }
    let Some(portcullis) = portcullis.as_deref() else { return };
    if let Some(postgres) = &postgres {
        end_to_end::run(steps, postgres, portcullis);
        tls_agreement::run(steps);
    }
    for (name, judge) in JUDGES {
        if options.only.is_empty() || options.only.iter().any(|wanted| wanted == name) {
            judge(steps, portcullis);
        }
    }
}

/// A build that ends on a full disk fails in ways that nobody understands.
fn room() -> Result<()> {
    let target = workspace::metadata()?.target_directory;
    let place = target.ancestors().find(|place| place.exists()).unwrap_or_else(|| workspace::root());
    let text = process::capture(std::process::Command::new("df").args(["--output=avail", "-BM"]).arg(place))?;
    let free: u32 = text.lines().nth(1).unwrap_or_default().trim().trim_end_matches('M').parse()?;
    // An empty target directory grows to this.
    let wanted = if target.join("debug/deps").exists() { 3_000 } else { 16_000 };
    println!("{free} MiB are free at {}", place.display());
    ensure!(
        free >= wanted,
        "the build and the tests need {wanted} MiB: make room, or set CARGO_TARGET_DIR to another disk"
    );
    Ok(())
}

fn start_postgres() -> Result<Postgres> {
    let programs = tools::provide()?;
    Postgres::start(&programs).map_err(Into::into)
}

fn checks(steps: &mut Steps, postgres: &Postgres, options: &Options) {
    steps.run("format", || process::run(workspace::cargo().args(["fmt", "--all", "--check"])));
    steps.run("tidy", || tidy::run(&tidy::Options::default()));
    steps.run("clippy", || {
        process::run(workspace::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    });
    let (mut passed, mut failed) = (0, 0);
    steps.run(TESTS, || cargo_test(postgres, &mut passed, &mut failed));
    (steps.tests_passed, steps.tests_failed) = (passed, failed);
    if options.fast {
        return;
    }
    steps.run("API documentation", || {
        let mut doc = workspace::cargo();
        doc.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
        process::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    let local = deny::Options { advisories: None, no_fetch: true };
    steps.run("dependencies", || deny::run(&local));
    let check = generated::Options { check: true };
    steps.run("generated documentation", || generated::run(generated::Kind::Docs, &check));
    steps.run("generated schemas", || generated::run(generated::Kind::Schema, &check));
}

/// `cargo test` with the address of PostgreSQL, its output passed through line by line and its totals added up.
fn cargo_test(postgres: &Postgres, passed: &mut usize, failed: &mut usize) -> Result<()> {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).env(postgres::URL_VARIABLE, postgres.url("postgres"));
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        let (more_passed, more_failed) = totals(&line);
        *passed += more_passed;
        *failed += more_failed;
        writeln!(std::io::stdout(), "{line}")?;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { bail!("cargo test ended with {status}") }
}

/// Passed and failed tests of a line `test result: ok. 4 passed; 0 failed; ..`.
fn totals(line: &str) -> (usize, usize) {
    let Some(result) = line.strip_prefix("test result: ") else { return (0, 0) };
    let number = |what: &str| {
        let part = result.split([';', '.']).map(str::trim).find(|part| part.ends_with(what))?;
        part.split(' ').next()?.parse().ok()
    };
    (number("passed").unwrap_or_default(), number("failed").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_from_the_result_lines_only() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.37s";
        assert_eq!(totals(line), (12, 3));
        assert_eq!(totals("test totals ... ok"), (0, 0));
    }

    #[test]
    fn a_failed_step_fails_the_whole_but_not_the_steps_after_it() {
        let mut steps = Steps::default();
        assert!(!steps.run("first", || bail!("broken")));
        assert!(steps.run("second", || Ok(())));
        assert_eq!(steps.rows.len(), 2);
        assert_eq!(steps.total(), (1, 1));
        assert!(steps.finish().is_err());
    }
}
