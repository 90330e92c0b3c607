//! The management REST APIs: their documents read by linters of other make (npm `spectral`, `redocly`), and every operation
//! under requests that `schemathesis` and a mutating script make up. The scripts are in `xtask/judges/rest`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Steps;
use crate::judges;
use crate::portcullis::{ADMIN, ADMIN_PASSWORD, Home};
use crate::process;
use crate::workspace;

/// Documents with the base path of their operations.
const DOCUMENTS: [(&str, &str); 3] = [
    ("publisher-v4.json", "/api/am/publisher/v4"),
    ("devportal-v3.json", "/api/am/devportal/v3"),
    ("admin-v4.json", "/api/am/admin/v4"),
];
/// How much is tried with each operation.
const ROUNDS: u32 = 4;

pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    steps.run("REST APIs: linters", lint);
    steps.run("REST APIs: schemathesis and mutations", || fuzz(portcullis));
}

fn lint() -> Result<()> {
    let folder = judges::folder("openapi")?;
    judges::npm(&folder, &["@stoplight/spectral-cli@6.16.3", "@redocly/cli@2.77.0"])?;
    let rules = folder.join(".spectral.yaml");
    fs::write(&rules, "extends: [\"spectral:oas\"]\n")?;
    for entry in fs::read_dir(workspace::root().join("openapi"))? {
        let document = entry?.path();
        let mut spectral = Command::new(folder.join("node_modules/.bin/spectral"));
        spectral.args(["lint", "--quiet", "--fail-severity", "warn", "--ruleset"]).arg(&rules).arg(&document);
        process::run(&mut spectral)?;
        let mut redocly = Command::new(folder.join("node_modules/.bin/redocly"));
        // It would look for a newer version of itself.
        redocly.args(["lint", "--format", "summary"]).arg(&document).env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
        process::run(redocly.env("REDOCLY_TELEMETRY", "off"))?;
    }
    Ok(())
}

fn fuzz(portcullis: &Path) -> Result<()> {
    let python =
        judges::python(&judges::folder("rest")?, "schemathesis, requests", &["schemathesis==4.32.5", "requests"])?;
    let mut home = Home::new(portcullis)?;
    home.configure_with_admin("")?;
    let server = home.serve(None)?;
    let mut scopes = BTreeSet::new();
    let mut documents = Vec::new();
    for (file, base) in DOCUMENTS {
        let file = workspace::root().join("openapi").join(file);
        let document: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let known = document.pointer("/components/securitySchemes/oauth2/flows/clientCredentials/scopes");
        scopes.extend(known.and_then(Value::as_object).context("no scopes in the document")?.keys().cloned());
        documents.push(json!([file, base]));
    }
    let settings = home.path().join("fuzz.json");
    let wanted = json!({
        "port": home.console(), "ca": home.authority(), "user": ADMIN, "password": ADMIN_PASSWORD,
        "rounds": ROUNDS, "scopes": scopes, "documents": documents,
    });
    fs::write(&settings, wanted.to_string())?;
    let mut judge = Command::new(python);
    judge.arg(judges::script("rest/fuzz.py")).arg(&settings).current_dir(home.path());
    let judged = process::run(&mut judge).with_context(|| format!("the server printed:\n{}", home.log_end()));
    server.stop()?;
    judged
}
