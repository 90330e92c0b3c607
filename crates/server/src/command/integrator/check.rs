//! `portcullis integrator check`

use std::path::Path;

use synapse::car::Application;
use synapse::check::{Report, Status};

use super::{archive, files, read};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;

pub(super) fn run(path: &Path, as_json: bool, terminal: Terminal) -> Outcome {
    let mut report = Report::default();
    for file in files(path)? {
        let shown = file.display().to_string();
        let extension =
            file.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "car" => application(&shown, &read(&file)?, &mut report),
            "xml" | "dbs" => text(&shown, &read(&file)?, &mut report),
            _ if file == path => text(&shown, &read(&file)?, &mut report),
            _ => {}
        }
    }
    let data = serde_json::to_value(&report).unwrap_or_default();
    if as_json {
        terminal.raw(&serde_json::to_string_pretty(&data).unwrap_or_default());
    } else {
        terminal.result(&data, || for_people(&report));
    }
    if report.refused == 0 {
        return Ok(());
    }
    let what = format!("{} of {} artifacts are refused", report.refused, report.refused + report.loaded);
    Err(Failure::new(Exit::Refused, "INT001", what, "", "see the reasons above; the other artifacts load"))
}

fn text(path: &str, bytes: &[u8], report: &mut Report) {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            report.add(path, text);
        }
        Err(_) => report.refuse(path, "unreadable", "the file is not UTF-8", "save it as UTF-8"),
    }
}

/// Types of a Carbon application that hold a Synapse artifact or data service.
fn is_artifact(kind: &str) -> bool {
    kind.starts_with("synapse/") && kind != "synapse/lib" || kind == "service/dataservice"
}

fn application(path: &str, bytes: &[u8], report: &mut Report) {
    let files = match archive::unpack(bytes) {
        Ok(files) => files,
        Err(reason) => return report.refuse(path, "car", &reason, "build the application again"),
    };
    let text_of = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let application = match Application::read(&text_of) {
        Ok(application) => application,
        Err(reason) => return report.refuse(path, "car", &reason, "build the application again"),
    };
    for member in application.members {
        let shown = format!("{path}!/{}", member.path);
        match (files.get(&member.path), member.kind.as_str()) {
            (None, _) => {
                report.refuse(&shown, &member.kind, "the file is missing in the application", "build it again")
            }
            (Some(bytes), kind) if is_artifact(kind) => text(&shown, bytes, report),
            (Some(_), "registry/resource" | "synapse/metadata" | "config/property" | "datasource/datasource") => {}
            (Some(_), "synapse/lib") if member.name.contains("connector-http") => {}
            (Some(_), kind @ ("lib/synapse/mediator" | "lib/library/bundle" | "mediator/library")) => {
                report.refuse(&shown, kind, "a Java library cannot be loaded", "use script, or built-in mediators");
            }
            (Some(_), "synapse/lib") => {
                let reason = format!("the connector {} is not available", member.name);
                report.refuse(&shown, "synapse/lib", &reason, "the http connector is built in; for others use call");
            }
            (Some(_), kind) => {
                let reason = format!("artifacts of the type {kind:?} are not known");
                report.refuse(&shown, "car", &reason, "see the documentation of the integrator for the types");
            }
        }
    }
}

fn for_people(report: &Report) -> String {
    let mut out = String::new();
    for file in &report.artifacts {
        if file.reasons.is_empty() {
            continue;
        }
        let word = if file.status == Status::Refused { "refused" } else { "loads" };
        out.push_str(&format!("{word} {} ({})\n", file.path, file.kind));
        for reason in &file.reasons {
            let hint = if reason.hint.is_empty() { String::new() } else { format!(". {}", reason.hint) };
            out.push_str(&format!("  line {}: {}: {}{hint}\n", reason.line, reason.mediator, reason.reason));
        }
    }
    for (kind, loaded, refused) in report.kinds() {
        out.push_str(&format!("{kind:20} {loaded:>6} loaded {refused:>6} refused\n"));
    }
    out.push_str(&format!("{} loaded, {} refused", report.loaded, report.refused));
    out
}
