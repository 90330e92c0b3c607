//! SOAP and HTTP of other people on both sides of the integrator: PyPI `zeep` calls it, Python's `http.server` answers it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::judges;
use crate::process;

use super::Steps;

/// Runs the judges against the given program.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    steps.run("integrator between zeep and http.server", || {
        let folder = judges::folder("integrator")?;
        let python = judges::python(&folder, "zeep", &["zeep==4.3.1"])?;
        judge(&python, portcullis)
    });
}

fn judge(python: &Path, portcullis: &Path) -> Result<()> {
    let artifacts = tempfile::Builder::new().prefix("portcullis-integrator-").tempdir()?;
    let mut flows = Command::new(python);
    process::run(flows.arg(judges::script("integrator/peers.py")).arg(portcullis).arg(artifacts.path()))
}
