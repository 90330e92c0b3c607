//! OSCAL assessment results (NIST, OSCAL 1.1), JSON.

use model::Rng;
use serde_json::{Value, json};

use super::{Report, Result, Status};

pub(super) fn document(report: &Report, rng: &dyn Rng) -> Value {
    let mut observations = Vec::new();
    let mut findings = Vec::new();
    for result in report.results().filter(|result| result.status != Status::NotApplicable) {
        let observation = uuid(rng);
        observations.push(json!({
            "uuid": observation,
            "title": format!("{} {}", result.check.id, result.check.title),
            "description": description(result),
            "methods": [if result.status == Status::Attested { "INTERVIEW" } else { "TEST" }],
            "collected": report.taken_at,
            "props": [{ "name": "status", "ns": NAMESPACE, "value": result.status.word().replace(' ', "-") }],
        }));
        let satisfied = matches!(result.status, Status::Holds | Status::Attested);
        findings.push(json!({
            "uuid": uuid(rng),
            "title": result.check.title,
            "description": description(result),
            "target": {
                "type": "objective-id",
                "target-id": result.check.id.to_ascii_lowercase(),
                "status": { "state": if satisfied { "satisfied" } else { "not-satisfied" } },
            },
            "related-observations": [{ "observation-uuid": observation }],
        }));
    }
    let controls: Vec<Value> =
        report.guidelines.iter().map(|guideline| json!({ "control-id": guideline.id.to_ascii_lowercase() })).collect();
    let mut outcome = json!({
        "uuid": uuid(rng),
        "title": "Audit",
        "description": format!("{} {}", report.subject.product, report.subject.home),
        "start": report.taken_at,
        "end": report.taken_at,
        "props": [{ "name": "score", "ns": NAMESPACE, "value": report.score.to_string() }],
        "reviewed-controls": { "control-selections": [{ "include-controls": controls }] },
    });
    // The schema allows no empty lists.
    if let (Some(map), false) = (outcome.as_object_mut(), findings.is_empty()) {
        map.insert("observations".to_owned(), observations.into());
        map.insert("findings".to_owned(), findings.into());
    }
    json!({ "assessment-results": {
        "uuid": uuid(rng),
        "metadata": {
            "title": "Security guidelines for production deployment",
            "last-modified": report.taken_at,
            "version": report.program,
            "oscal-version": "1.1.2",
        },
        "import-ap": { "href": "#assessment-plan" },
        "results": [outcome],
    } })
}

const NAMESPACE: &str = "https://portcullis.invalid/ns/oscal";

fn description(result: &Result) -> String {
    let faults = result.findings.iter().chain(&result.waived);
    let mut lines: Vec<String> =
        faults.map(|fault| format!("{} {}. Fix: {}", fault.place, fault.observed, fault.fix)).collect();
    if !result.detail.is_empty() {
        lines.push(result.detail.clone());
    }
    if lines.is_empty() { result.status.word().to_owned() } else { lines.join("\n").trim().to_owned() }
}

/// A random identifier, version 4 (RFC 9562, 5.4).
fn uuid(rng: &dyn Rng) -> String {
    let mut bytes = [0_u8; 16];
    rng.fill(&mut bytes);
    let number = u128::from_be_bytes(bytes);
    let number = (number & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
