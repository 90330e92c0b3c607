//! SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format).

use serde_json::{Value, json};

use super::{Report, Result, Status};
use crate::{CHECKS, CheckMeta, Fault, Severity, guideline};

pub(super) fn document(report: &Report) -> Value {
    let rules: Vec<Value> = CHECKS.iter().map(|check| rule(&check.meta)).collect();
    let results: Vec<Value> = report.results().flat_map(results).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "portcullis-audit", "semanticVersion": report.program, "rules": rules } },
            "invocations": [{ "executionSuccessful": true, "endTimeUtc": report.taken_at }],
            "properties": { "score": report.score, "subject": report.subject, "exposed": report.exposed },
            "results": results,
        }],
    })
}

fn level(check: &CheckMeta) -> &'static str {
    if check.severity == Severity::Must { "error" } else { "warning" }
}

fn rule(check: &CheckMeta) -> Value {
    let why = guideline(check.guideline()).map_or("", |guideline| guideline.rationale);
    json!({
        "id": check.id,
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": why },
        "defaultConfiguration": { "level": level(check) },
        "properties": { "tags": ["security", check.guideline()] },
    })
}

fn results(result: &Result) -> Vec<Value> {
    let index = CHECKS.iter().position(|check| check.meta.id == result.check.id);
    let base = |kind: &str, level: &str, text: &str, place: &str| {
        let mut value = json!({
            "ruleId": result.check.id,
            "ruleIndex": index,
            "kind": kind,
            "level": level,
            "message": { "text": if text.is_empty() { result.check.title } else { text } },
        });
        if let (Some(map), false) = (value.as_object_mut(), place.is_empty()) {
            map.insert("locations".to_owned(), json!([location(place)]));
        }
        value
    };
    let fail = |fault: &Fault| {
        base("fail", level(&result.check), &format!("{}. Fix: {}", fault.observed, fault.fix), &fault.place)
    };
    match result.status {
        Status::Holds | Status::Attested => vec![base("pass", "none", &result.detail, "")],
        Status::NotApplicable => vec![base("notApplicable", "none", &result.detail, "")],
        Status::Unknown => vec![base("open", "none", &format!("{}: {}", result.detail, result.needs), "")],
        Status::Fails | Status::Waived => {
            let waived = result.waived.iter().map(|fault| {
                let mut value = fail(fault);
                if let Some(map) = value.as_object_mut() {
                    map.insert("suppressions".to_owned(), json!([{ "kind": "external", "status": "accepted" }]));
                }
                value
            });
            result.findings.iter().map(fail).chain(waived).collect()
        }
    }
}

/// A place as a file with a line, when it looks like one, else by name.
fn location(place: &str) -> Value {
    let (file, line) = match place.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse::<u32>().ok()?))) {
        Some((file, line)) if line > 0 => (file, Some(line)),
        _ => (place, None),
    };
    if file.parse::<std::net::IpAddr>().is_ok()
        || place.parse::<std::net::SocketAddr>().is_ok()
        || !file.contains(['.', '/'])
    {
        return json!({ "logicalLocations": [{ "fullyQualifiedName": place }] });
    }
    let mut physical = json!({ "artifactLocation": { "uri": uri(file) } });
    if let (Some(map), Some(line)) = (physical.as_object_mut(), line) {
        map.insert("region".to_owned(), json!({ "startLine": line }));
    }
    json!({ "physicalLocation": physical })
}

/// Percent-encodes what a URI path may not have (RFC 3986, 3.3).
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
