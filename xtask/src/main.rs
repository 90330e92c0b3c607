//! Developer tasks: `cargo xtask <task>`.
//!
//! One file per task; a new task is a module, a variant of [`Task`] and a line in CONTRIBUTING.md. What the tasks share is in
//! [`workspace`] (where things are), [`process`] (running programs), [`judges`] (what others wrote), [`portcullis`] (a server in a scratch home), [`http`]
//! and [`rest`] (talking to it).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task's output is its result")]

mod bench;
mod conformance;
mod deny;
mod fuzz;
mod generated;
mod http;
mod judges;
mod portcullis;
mod process;
mod rest;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer tasks of Portcullis.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check crate edges, size budgets, names, wording and the paths and commands named in the documentation.
    Tidy(tidy::Options),
    /// Regenerate the committed documentation made from the program: references, man page, completions.
    Docs(generated::Options),
    /// Regenerate the committed JSON Schema and OpenAPI documents.
    Schema(generated::Options),
    /// Run everything that has to hold before a change is merged, with real servers.
    Test(test::Options),
    /// Measure: CPU time per call against other gateways, or cold start and idle memory.
    Bench(bench::Options),
    /// Run WSO2's behaviour specifications against Portcullis.
    Conformance(conformance::Options),
    /// What the conformance runner calls to restart or reconfigure the server under test.
    #[command(hide = true)]
    ConformanceControl(conformance::ControlOptions),
    /// Give parsers inputs that nobody thought of, for as long as asked; without a target the targets are listed.
    Fuzz(fuzz::Options),
    /// Check dependencies: sources, bans, licences, advisories.
    Deny(deny::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Tidy(options) => tidy::run(&options),
        Task::Docs(options) => generated::run(generated::Kind::Docs, &options),
        Task::Schema(options) => generated::run(generated::Kind::Schema, &options),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Conformance(options) => conformance::run(&options),
        Task::ConformanceControl(options) => conformance::control(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Deny(options) => deny::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem:#}");
            ExitCode::FAILURE
        }
    }
}
