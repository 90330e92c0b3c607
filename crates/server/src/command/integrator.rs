//! `portcullis integrator`

mod check;
mod deploy;
mod run;
mod test;

use std::path::{Path, PathBuf};

use crate::cli::IntegratorCommand;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::terminal::Terminal;

/// Largest file that is read, bytes.
const CAP: u64 = 64 << 20;
/// Files below one path.
const FILES: usize = 100_000;

pub(super) fn run(home: &Home, command: IntegratorCommand, terminal: Terminal) -> Outcome {
    match command {
        IntegratorCommand::Check { path, json } => check::run(&path, json, terminal),
        IntegratorCommand::Run { path, port } => run::run(&path, port, terminal),
        IntegratorCommand::Deploy { file } => deploy::deploy(home, &file, terminal),
        IntegratorCommand::Undeploy { name } => deploy::undeploy(home, &name, terminal),
        IntegratorCommand::List => deploy::list(home, terminal),
        IntegratorCommand::Test { path, junit, mock, json } => {
            super::block_on(test::run(&path, junit.as_deref(), &mock, json, terminal))
        }
    }
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    let size = std::fs::metadata(path).map_err(|e| Failure::io(path, "read", &e))?.len();
    if size > CAP {
        return Err(Failure::usage(format!("{} is larger than {CAP} bytes", path.display()), "split it"));
    }
    std::fs::read(path).map_err(|e| Failure::io(path, "read", &e))
}

/// The file, or every file below the folder, sorted; links are not followed.
fn files(path: &Path) -> Outcome<Vec<PathBuf>> {
    let about = std::fs::metadata(path).map_err(|e| Failure::io(path, "read", &e))?;
    if about.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut pending = vec![path.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| Failure::io(&folder, "read", &e))? {
            let entry = entry.map_err(|e| Failure::io(&folder, "read", &e))?;
            let kind = entry.file_type().map_err(|e| Failure::io(&entry.path(), "read", &e))?;
            if kind.is_dir() {
                pending.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
        if found.len() > FILES {
            return Err(Failure::usage(
                format!("there are more than {FILES} files below {}", path.display()),
                "name a part",
            ));
        }
    }
    found.sort();
    Ok(found)
}
