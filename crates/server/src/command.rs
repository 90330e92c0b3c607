//! What the commands do: one file per command.

pub(crate) mod api;
pub(crate) mod audit;
mod audit_log;
mod backup;
mod config;
mod db;
mod generate;
mod harden;
mod init;
mod integrator;
mod keystore;
mod login;
pub(crate) mod migrate;
mod password;
mod restore;
mod routes;
mod token;
mod update;
mod user;
mod vault;

use clap::CommandFactory as _;
use serde_json::json;

use crate::cli::{Arguments, Command};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::terminal::Terminal;

pub(crate) use init::initialise;

/// Carries out a command.
pub(crate) fn run(arguments: Arguments, terminal: Terminal) -> Outcome {
    let home = Home::new(arguments.home);
    match arguments.command {
        Command::Init => init::run(&home, terminal),
        Command::Serve(serve) => crate::serve::run(&home, serve.overlay.as_deref(), terminal),
        Command::Quickstart { exit } => crate::quickstart::run(&home, exit, terminal),
        Command::Config(command) => config::run(&home, command, terminal),
        Command::Integrator(command) => integrator::run(&home, command, terminal),
        Command::Vault(command) => vault::run(&home, command, terminal),
        Command::Keystore(command) => keystore::run(&home, command, terminal),
        Command::Db(command) => block_on(db::run(&home, command, terminal)),
        Command::AuditLog(command) => block_on(audit_log::run(&home, command, terminal)),
        Command::Audit(arguments) => audit::run(&home, arguments, terminal),
        Command::Migrate(arguments) => migrate::run(&arguments, terminal),
        Command::User(command) => block_on(user::run(&home, command, terminal)),
        Command::Backup(command) => block_on(backup::run(&home, command, terminal)),
        Command::Restore(arguments) => block_on(restore::run(&home, arguments, terminal)),
        Command::Update(command) => block_on(update::run(&home, command, terminal)),
        Command::Harden(arguments) => harden::run(&home, arguments.what, terminal),
        Command::SetupLink => block_on(user::setup_link(&home, terminal)),
        Command::Api(command) => block_on(api::run(&home, command, terminal)),
        Command::Token(arguments) => block_on(token::run(&home, arguments, terminal)),
        Command::Login(arguments) => block_on(login::run(arguments, terminal)),
        Command::Version { sbom: true } => {
            terminal.raw(&format!("{:#}", crate::sbom::document()));
            Ok(())
        }
        Command::Version { sbom: false } => {
            let version = env!("CARGO_PKG_VERSION");
            terminal.result(&json!({ "name": "portcullis", "version": version }), || format!("portcullis {version}"));
            Ok(())
        }
        Command::Completions { shell } => {
            terminal.bytes(&generate::completions(shell));
            Ok(())
        }
        Command::Man => {
            terminal.bytes(&generate::man()?);
            Ok(())
        }
        Command::Generate(what) => generate::run(&what.what, terminal),
    }
}

/// Runs a command's future on a runtime of one thread.
pub(crate) fn block_on<T>(future: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Failure::internal(format!("no runtime: {e}")))?.block_on(future)
}

/// The grammar, for help, completions and reference pages.
fn grammar() -> clap::Command {
    Arguments::command()
}

/// There is no such thing.
pub(crate) fn not_found(what: impl Into<String>, fix: impl Into<String>) -> Failure {
    Failure::new(Exit::NotFound, "CLI002", what, "", fix)
}
