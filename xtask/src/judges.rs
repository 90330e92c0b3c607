//! What other people wrote and we are judged by: packages of PyPI and npm, put below the target directory once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace;

/// The folder of one kind of judge below the target directory, wherever cargo builds.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let folder = workspace::metadata()?.target_directory.join("judges").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The Python of an environment in `folder`, made if it is not there.
pub(crate) fn bare_python(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join("venv");
    if !environment.join("bin/pip").is_file() {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))
            .context("cannot make a Python environment: apt-get install python3-venv")?;
    }
    Ok(environment.join("bin/python"))
}

/// A Python that can import `modules` (as after `import`); `packages` are installed from PyPI where it cannot.
pub(crate) fn python(folder: &Path, modules: &str, packages: &[&str]) -> Result<PathBuf> {
    let python = bare_python(folder)?;
    let mut look = Command::new(&python);
    look.args(["-c", &format!("import {modules}")]).stderr(Stdio::null());
    if !look.status().is_ok_and(|status| status.success()) {
        pip(&python, packages)?;
    }
    Ok(python)
}

/// Installs packages of PyPI.
pub(crate) fn pip<S: AsRef<std::ffi::OsStr>>(python: &Path, packages: &[S]) -> Result<()> {
    let mut install = Command::new(python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    process::run(&mut install).context("these packages come from PyPI, which cannot be reached or does not have them")
}

/// Installs what `package.json` of the folder names, or else `packages`, unless every one of them is there. Their install
/// scripts do not run.
pub(crate) fn npm(folder: &Path, packages: &[&str]) -> Result<()> {
    ensure!(workspace::find_program("npm").is_some(), "some judges come from npm: apt-get install nodejs npm");
    // A name may begin with @ for its scope; the version comes after another.
    let name = |package: &str| package.rfind('@').filter(|at| *at > 0).map_or(package.len(), |at| at);
    let modules = folder.join("node_modules");
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !modules.join(package.get(..name(package)).unwrap_or(package)).exists())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
    // What a package.json of ours names comes by itself; one that npm made grows with what it is told.
    let named = fs::read_to_string(folder.join("package.json")).unwrap_or_default();
    install.args(
        missing
            .iter()
            .filter(|package| !named.contains(&format!("\"{}\"", package.get(..name(package)).unwrap_or(package)))),
    );
    process::run(&mut install).with_context(|| format!("cannot be had from npm: {}", packages.join(", ")))
}

/// A script of ours that drives a judge.
pub(crate) fn script(file: &str) -> PathBuf {
    workspace::root().join("xtask/judges").join(file)
}
