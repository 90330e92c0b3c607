//! `portcullis integrator deploy`, `undeploy`, `list`: files of the home directory, which a running server watches.

use std::path::Path;

use integrator::{DeployError, DeployFault, Tree};
use serde_json::json;

use super::read;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::load_config;
use crate::terminal::Terminal;

pub(super) fn deploy(home: &Home, file: &Path, terminal: Terminal) -> Outcome {
    let tree = tree(home)?;
    let bytes = read(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let path = integrator::place_application(&tree, &name, &bytes).map_err(|error| failure(&error))?;
    terminal.result(&json!({ "path": path }), || {
        format!("{} is in place; a running server deploys it within seconds", path.display())
    });
    Ok(())
}

pub(super) fn undeploy(home: &Home, name: &str, terminal: Terminal) -> Outcome {
    let folder = tree(home)?.applications();
    let plain = Path::new(name).file_name().is_some_and(|file| file == name);
    let path = folder.join(name);
    if !plain || !path.is_file() {
        return Err(super::super::not_found(
            format!("{} holds no application {name}", folder.display()),
            home.command("integrator list"),
        ));
    }
    std::fs::remove_file(&path).map_err(|e| Failure::io(&path, "remove", &e))?;
    terminal.result(&json!({ "removed": path }), || {
        format!("{name} is removed; a running server undeploys it within seconds")
    });
    Ok(())
}

pub(super) fn list(home: &Home, terminal: Terminal) -> Outcome {
    let listed = integrator::list(&tree(home)?);
    let (mut rows, mut text) = (Vec::new(), String::new());
    for (path, held) in &listed {
        match held {
            Ok(artifacts) => {
                for artifact in artifacts {
                    rows.push(json!({
                        "kind": artifact.kind, "name": artifact.name, "path": artifact.path,
                        "application": artifact.application, "notes": artifact.notes,
                    }));
                    text.push_str(&format!("{:16} {:32} {}\n", artifact.kind, artifact.name, artifact.path));
                }
            }
            Err(faults) => {
                rows.push(json!({ "path": path, "refused": faults.iter().map(line).collect::<Vec<_>>() }));
                text.push_str(&format!("{:16} {}\n", "refused", path.display()));
                faults.iter().for_each(|fault| text.push_str(&format!("  {}\n", line(fault))));
            }
        }
    }
    terminal.result(&json!({ "artifacts": rows }), || {
        if text.is_empty() { "there are no artifacts".to_owned() } else { text.trim_end().to_owned() }
    });
    Ok(())
}

/// A fault for people.
pub(super) fn line(fault: &DeployFault) -> String {
    let hint = if fault.hint.is_empty() { String::new() } else { format!(". {}", fault.hint) };
    format!("{}: line {}: {}: {}{hint}", fault.path, fault.line, fault.part, fault.what)
}

/// Where the artifacts of a home directory are.
fn tree(home: &Home) -> Outcome<Tree> {
    let config = load_config(home, None)?.config;
    Ok(Tree::Home(home.root().join(&config.integrator.directory)))
}

fn failure(error: &DeployError) -> Failure {
    let why = match error {
        DeployError::Refused(faults) => faults.iter().map(line).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    };
    Failure::new(Exit::Refused, "INT002", error.to_string(), why, "mend it and deploy it again; nothing has changed")
}
