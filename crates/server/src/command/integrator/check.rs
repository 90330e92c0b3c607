//! `portcullis integrator check`

use std::path::Path;

use integrator::MemberUse;
use synapse::car::Application;
use synapse::check::{Report, Status};

use super::{files, read};
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

fn application(path: &str, bytes: &[u8], report: &mut Report) {
    let files = match integrator::unpack(bytes) {
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
        let Some(bytes) = files.get(&member.path) else {
            report.refuse(&shown, &member.kind, "the file is missing in the application", "build it again");
            continue;
        };
        match integrator::classify(&member) {
            MemberUse::Artifact => text(&shown, bytes, report),
            MemberUse::Resource | MemberUse::Description | MemberUse::BuiltIn => {}
            MemberUse::Refused { reason, hint } => report.refuse(&shown, &member.kind, &reason, hint),
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
