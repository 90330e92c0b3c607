//! Reports of the audit, judged by the schemas and readers that others published: SARIF 2.1.0 (the schema in npm
//! `@microsoft/jest-sarif`), OSCAL (PyPI `compliance-trestle`), JUnit (PyPI `junitparser`), JSON Schema (PyPI `jsonschema`).

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::judges;
use crate::process;
use crate::workspace;

use super::Steps;

const PYTHON_PACKAGES: [&str; 4] = ["compliance-trestle==5.2.0", "junitparser==5.0.3", "jsonschema", "cryptography"];
const SARIF: &str = "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json";

/// Judges the reports of the given program, and its list of parts.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    steps.run("audit reports", || judge(portcullis));
    steps.run("list of parts (CycloneDX)", || parts(portcullis));
}

/// What `version --sbom` prints, judged by CycloneDX's own library and compared with the lock file.
fn parts(portcullis: &Path) -> Result<()> {
    let judges = judges::folder("sbom")?;
    let python =
        judges::python(&judges, "cyclonedx, referencing", &["cyclonedx-python-lib[json-validation]==11.12.0"])?;
    let printed = judges.join("sbom.json");
    fs::write(&printed, process::capture(Command::new(portcullis).args(["version", "--sbom"]))?)?;
    let mut judge = Command::new(python);
    judge.arg(judges::script("sbom/judge.py")).arg(&printed).arg(workspace::root().join("Cargo.lock"));
    process::run(&mut judge)
}

/// Every form of a report of a fresh installation, and of the hardened homes of the tests.
fn judge(portcullis: &Path) -> Result<()> {
    let judges = judges::folder("audit")?;
    judges::npm(&judges, &["@microsoft/jest-sarif@1.0.0-beta.0"])?;
    let python = judges::python(&judges, "trestle, junitparser, jsonschema, cryptography", &PYTHON_PACKAGES)?;
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
    let mut judge = Command::new(python);
    judge.arg(judges::script("audit/judge.py")).arg(&reports).arg(&schema).arg(judges.join(SARIF));
    process::run(judge.arg(home.join("security/signing-key.pem")))
}
