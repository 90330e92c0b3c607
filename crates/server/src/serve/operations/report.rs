//! Kept reports, read back from their JSON. What a check is made of comes from the report, what a guideline means from the
//! catalogue of this program.

use std::path::Path;

use portal::{Acceptance, AuditReport, AuditStatus, CheckState, FindingState, GuidelineState, KeptAudit};
use serde_json::Value;

/// The name of a kept report: its file's name without the ending.
pub(super) fn id_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The line of the history; `None` for what is no report.
pub(super) fn kept(id: &str, report: &Value) -> Option<KeptAudit> {
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64);
    Some(KeptAudit {
        id: id.to_owned(),
        taken_at: report.get("taken_at")?.as_str()?.to_owned(),
        score: number("/score")?,
        fails: number("/counts/fails")?,
        must_fails: number("/counts/must_fails")?,
        unknown: number("/counts/unknown")?,
    })
}

/// A whole report; `None` for what is none.
pub(super) fn of(id: &str, report: &Value) -> Option<AuditReport> {
    let mut groups: Vec<(String, Vec<GuidelineState>)> = Vec::new();
    for one in list(report, "guidelines") {
        let Some((family, state)) = guideline(one) else { continue };
        match groups.iter_mut().find(|(title, _)| *title == family) {
            Some((_, states)) => states.push(state),
            None => groups.push((family, vec![state])),
        }
    }
    Some(AuditReport {
        kept: kept(id, report)?,
        program: text(report, "program"),
        groups,
        waivers: list(report, "waivers").map(acceptance).collect(),
        attestations: list(report, "attestations").map(acceptance).collect(),
        ineffective: list(report, "ineffective").filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

fn acceptance(value: &Value) -> Acceptance {
    Acceptance {
        id: text(value, "id"),
        owner: text(value, "owner"),
        reason: text(value, "reason"),
        expires: text(value, "expires"),
        scope: text(value, "scope"),
    }
}

/// A guideline with the title of its chapter.
fn guideline(value: &Value) -> Option<(String, GuidelineState)> {
    let id = text(value, "id");
    // An older program may have known one that is gone: what it found stays to be seen.
    let known = guidelines::guideline(&id);
    let family = known.map_or("Guidelines of an earlier version", |known| known.family.title()).to_owned();
    let checks: Vec<CheckState> = list(value, "checks").map(check).collect();
    Some((
        family,
        GuidelineState {
            title: text(value, "title"),
            seed: known.map(|known| known.seed.to_owned()).unwrap_or_default(),
            rationale: known.map(|known| known.rationale.to_owned()).unwrap_or_default(),
            built: known.map(|known| known.built.to_owned()).unwrap_or_default(),
            is_must: checks.iter().any(|check| check.is_must),
            status: status(value)?,
            checks,
            id,
        },
    ))
}

fn check(value: &Value) -> CheckState {
    let is_must = text(value, "severity") == "must";
    let findings = [("findings", false), ("waived", true)].into_iter().flat_map(|(key, is_waived)| {
        list(value, key).map(move |fault| FindingState {
            place: text(fault, "place"),
            observed: text(fault, "observed"),
            fix: text(fault, "fix"),
            is_waived,
        })
    });
    CheckState {
        id: text(value, "id"),
        title: text(value, "title"),
        is_must,
        is_waivable: !(is_must && text(value, "enforcement") == "always"),
        status: status(value).unwrap_or(AuditStatus::Unknown),
        detail: text(value, "detail"),
        needs: text(value, "needs"),
        findings: findings.collect(),
    }
}

fn status(value: &Value) -> Option<AuditStatus> {
    let word = value.get("status")?.as_str()?;
    AuditStatus::ALL.into_iter().find(|status| status.key() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use guidelines::{Posture, Report, ReportInput, Subject};

    fn written() -> Value {
        let subject = Subject { kind: "portcullis", home: "/srv".into(), product: "Portcullis".into() };
        let input = ReportInput {
            program: "0.1.0".into(),
            subject,
            waivers: Vec::new(),
            attestations: Vec::new(),
            only: Vec::new(),
        };
        let report = Report::new(&Posture::default(), input);
        let rng = vault::SystemRng;
        serde_json::from_str(&guidelines::render(&report, guidelines::Format::Json, &rng)).unwrap()
    }

    #[test]
    fn every_guideline_and_check_of_a_report_is_read_back() {
        let value = written();
        let report = of("x", &value).unwrap();
        let read: Vec<&GuidelineState> = report.groups.iter().flat_map(|(_, states)| states).collect();
        let listed = value["guidelines"].as_array().unwrap();
        assert_eq!(read.len(), listed.len());
        let bare: Vec<&str> =
            read.iter().filter(|g| g.rationale.is_empty() || g.built.is_empty()).map(|g| g.id.as_str()).collect();
        assert!(read.len() > 30 && bare.is_empty(), "{} {bare:?}", read.len());
        for raw in listed {
            let state = read.iter().find(|state| raw["id"] == state.id.as_str()).unwrap();
            assert_eq!(state.checks.len(), raw["checks"].as_array().unwrap().len(), "{}", state.id);
            assert_eq!(raw["status"], state.status.key());
            for (check, raw) in state.checks.iter().zip(raw["checks"].as_array().unwrap()) {
                assert_eq!((&raw["id"], &raw["status"]), (&check.id.as_str().into(), &check.status.key().into()));
            }
        }
        assert_eq!(report.kept.unknown, value["counts"]["unknown"].as_u64().unwrap());
    }

    #[test]
    fn what_is_no_report_is_none() {
        for broken in ["{}", "[]", "null", r#"{"taken_at": 5}"#, r#"{"taken_at": "x", "score": -1}"#] {
            assert!(of("x", &serde_json::from_str(broken).unwrap()).is_none(), "{broken}");
        }
    }
}
