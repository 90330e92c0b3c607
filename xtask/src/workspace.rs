//! Where things are, and the environment: the one place of xtask that reads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// Root of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder of shared material beside the repository; most machines do not have it.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = root().parent()?.join("shared");
    folder.is_dir().then_some(folder)
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "xtask's one reader of the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The program `name`, looked for in `PATH` and where Debian keeps servers.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"])
        .map(|folder| Path::new(folder).join(name))
        .find(|file| file.is_file())
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.current_dir(root());
    command
}

/// What `cargo metadata --no-deps` tells about the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// Members of the workspace.
    pub(crate) packages: Vec<Package>,
    /// Where cargo builds.
    pub(crate) target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for an ordinary dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

pub(crate) fn metadata() -> Result<Metadata> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cannot read the answer of cargo metadata")
}

/// The program `portcullis`, built now with `profile`.
pub(crate) fn build_portcullis(profile: &str) -> Result<PathBuf> {
    let status = cargo()
        .args(["build", "--quiet", "--package", "server", "--bin", "portcullis", "--profile", profile])
        .status()
        .context("cannot run cargo build")?;
    if !status.success() {
        bail!("portcullis does not build with profile {profile}");
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(metadata()?.target_directory.join(folder).join("portcullis"))
}

/// The test binaries of a package as they are optimised for release, by name: the crate's own for the unit tests, and `it`.
pub(crate) fn release_tests(package: &str) -> Result<BTreeMap<String, PathBuf>> {
    let mut build = cargo();
    build.args(["test", "--release", "--package", package, "--lib", "--test", "it", "--no-run", "--quiet"]);
    let output = crate::process::capture(build.args(["--message-format", "json"]))?;
    let artefacts = output.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let named = artefacts.filter_map(|artefact| {
        let name = artefact.pointer("/target/name")?.as_str()?.to_owned();
        Some((name, PathBuf::from(artefact.get("executable")?.as_str()?)))
    });
    Ok(named.collect())
}
