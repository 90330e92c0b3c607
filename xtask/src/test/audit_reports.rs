//! Reports of the audit, judged by the schemas and readers that others published: SARIF 2.1.0 (the schema in npm
//! `@microsoft/jest-sarif`), OSCAL (PyPI `compliance-trestle`), JUnit (PyPI `junitparser`), JSON Schema (PyPI `jsonschema`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace;

use super::Steps;

const PYTHON_PACKAGES: [&str; 4] = ["compliance-trestle==5.2.0", "junitparser==5.0.3", "jsonschema", "cryptography"];
const SARIF: &str = "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json";

/// Runs the given program, or the one built now.
pub(super) fn run(steps: &mut Steps, given: Option<&Path>) {
    let mut portcullis = given.map(Path::to_path_buf);
    if given.is_none() {
        steps.run("build portcullis", || workspace::build_portcullis("dev").map(|path| portcullis = Some(path)));
    }
    let Some(portcullis) = portcullis else { return };
    let mut judges = None;
    if !steps.run("judges of audit reports", || provide().map(|path| judges = Some(path))) {
        return;
    }
    let Some(judges) = judges else { return };
    steps.run("audit reports", || judge(&portcullis, &judges));
}

/// Puts packages into the target directory; what is there already is kept.
fn provide() -> Result<PathBuf> {
    let directory = workspace::root().join("target/judges/audit");
    fs::create_dir_all(&directory)?;
    ensure!(workspace::find_program("npm").is_some(), "the SARIF schema comes from npm: apt-get install nodejs npm");
    if !directory.join(SARIF).exists() {
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "@microsoft/jest-sarif@1.0.0-beta.0"]);
        process::run(install.current_dir(&directory)).context("the npm package @microsoft/jest-sarif cannot be had")?;
    }
    let venv = directory.join("venv");
    if !venv.join("bin/python").exists() {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let imports = "import trestle, junitparser, jsonschema, cryptography";
    let present = Command::new(venv.join("bin/python")).args(["-c", imports]).output();
    if !present.is_ok_and(|output| output.status.success()) {
        let mut install = Command::new(venv.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check"]).args(PYTHON_PACKAGES);
        process::run(&mut install).context("the Python packages that judge OSCAL and JUnit cannot be had")?;
    }
    Ok(directory)
}

/// Every form of a report of a fresh installation, and of the hardened homes of the tests.
fn judge(portcullis: &Path, judges: &Path) -> Result<()> {
    let scratch = judges.join("run");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let (home, reports) = (scratch.join("home"), scratch.join("reports"));
    fs::create_dir_all(&reports)?;
    process::run(Command::new(portcullis).arg("init").arg("--home").arg(&home))?;
    let wso2 = scratch.join("wso2");
    fs::create_dir_all(wso2.join("repository/conf"))?;
    let fixture = workspace::root().join("crates/server/src/posture/wso2/fixtures");
    fs::copy(fixture.join("api-manager.toml"), wso2.join("repository/conf/deployment.toml"))?;
    fs::copy(fixture.join("log4j2.properties"), wso2.join("repository/conf/log4j2.properties"))?;
    for form in ["json", "sarif", "oscal", "junit", "html"] {
        for (subject, wso2_home) in [("own", None), ("wso2", Some(&wso2))] {
            let mut audit = Command::new(portcullis);
            audit.args(["audit", "--static", "--format", form, "--home"]).arg(&home);
            audit.arg("--out").arg(reports.join(format!("{subject}.{form}")));
            if let Some(wso2_home) = wso2_home {
                audit.arg("--wso2-home").arg(wso2_home);
            }
            // Findings end with a refusal; the report is there all the same.
            let output = audit.output().context("the audit did not run")?;
            ensure!(
                matches!(output.status.code(), Some(0 | 8)),
                "audit --format {form}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    let schema = scratch.join("audit-report.schema.json");
    fs::write(&schema, process::capture(Command::new(portcullis).args(["generate", "audit-schema"]))?)?;
    let mut python = Command::new(judges.join("venv/bin/python"));
    python.arg(workspace::root().join("xtask/judges/audit/judge.py")).arg(&reports);
    python.arg(&schema).arg(judges.join(SARIF));
    process::run(python.arg(home.join("security/signing-key.pem")))
}
