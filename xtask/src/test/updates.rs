//! Signed updates: repositories made by PyPI `tuf`, honest and hostile, against `portcullis update`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::judges;
use crate::process;

use super::Steps;

const PYTHON_PACKAGES: [&str; 2] = ["tuf==7.0.1", "securesystemslib[crypto]"];

/// Judges the updates of the given program.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    steps.run("signed updates (TUF)", || judge(portcullis));
}

fn judge(portcullis: &Path) -> Result<()> {
    let judges = judges::folder("updates")?;
    let python = judges::python(&judges, "tuf, securesystemslib, cryptography", &PYTHON_PACKAGES)?;
    let scratch = judges.join("run");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    process::run(Command::new(python).arg(judges::script("updates/judge.py")).arg(portcullis).arg(&scratch))?;
    // Programs of hundreds of megabytes.
    fs::remove_dir_all(&scratch)?;
    Ok(())
}
