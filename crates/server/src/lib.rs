//! The binary `portcullis`: configuration, composition root, command line.
//!
//! Everything that touches the machine meets here: the clock, the environment, files of the home directory, signals.
//! May depend on every crate. To add a command: its grammar in `cli/arguments.rs`, its action as a file in `command/`,
//! one line in `command::run`.

mod advisories;
mod backup;
mod cli;
mod client;
mod clock;
mod command;
pub mod config;
mod environment;
mod exit;
mod failure;
mod first_boot;
mod home;
mod host;
mod installation;
mod logs;
mod posture;
mod probe;
mod quickstart;
mod reseal;
mod sandbox;
mod sbom;
mod serve;
mod terminal;
mod update;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            // Help that was asked for is no fault; a wrong command line is.
            return ExitCode::from(if error.use_stderr() { exit::Exit::Usage } else { exit::Exit::Done }.code());
        }
    };
    let terminal = terminal::Terminal::new(arguments.output, environment::variable("NO_COLOR").is_some());
    match command::run(arguments, terminal) {
        Ok(()) => ExitCode::from(exit::Exit::Done.code()),
        Err(failure) => {
            terminal.fail(&failure);
            ExitCode::from(failure.exit.code())
        }
    }
}
