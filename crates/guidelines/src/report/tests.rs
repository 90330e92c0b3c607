use model::Rng;

use super::{Attestation, Format, Report, ReportInput, Status, Subject, Waiver, drift, render, schema};
use crate::{Posture, testing};

struct Counting(std::sync::atomic::AtomicU8);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

fn rng() -> Counting {
    Counting(std::sync::atomic::AtomicU8::new(0))
}

fn input() -> ReportInput {
    let subject =
        Subject { kind: "portcullis", home: "/srv/<home> & \u{1b}[31m".into(), product: "Portcullis 1".into() };
    ReportInput { program: "1.0.0".into(), subject, waivers: Vec::new(), attestations: Vec::new(), only: Vec::new() }
}

fn waiver(id: &str, scope: &str, expires: &str) -> Waiver {
    let text = str::to_owned;
    Waiver { id: text(id), scope: text(scope), owner: text("kim"), reason: text("because"), expires: text(expires) }
}

fn statement(id: &str, expires: &str) -> Attestation {
    let text = str::to_owned;
    Attestation { id: text(id), owner: text("kim"), reason: text("seen"), expires: text(expires) }
}

/// Default ports on the gateway (A04.1, should) and an open key file (A03.1, must, always). Today is 2026-11-21.
fn broken() -> Posture {
    let mut posture = testing::good();
    posture.listeners.known_mut().unwrap()[1].address.set_port(8243);
    posture.files.known_mut().unwrap()[0].mode = 0o100_644;
    posture
}

fn status(report: &Report, id: &str) -> Status {
    report.results().find(|result| result.check.id == id).unwrap().status
}

#[test]
fn a_waiver_holds_until_its_last_day_and_in_its_scope() {
    for (scope, expires, expected) in [
        ("", "2026-11-22", Status::Waived),
        ("8243", "2027-11-22", Status::Waived),
        ("9443", "2027-11-22", Status::Fails),
        ("", "2026-11-20", Status::Fails),
    ] {
        let report = Report::new(&broken(), ReportInput { waivers: vec![waiver("A04.1", scope, expires)], ..input() });
        assert_eq!(status(&report, "A04.1"), expected, "{scope} {expires} {}", report.taken_at);
        assert_eq!(report.ineffective.is_empty(), expected == Status::Waived, "{:?}", report.ineffective);
    }
}

#[test]
fn what_holds_always_cannot_be_waived() {
    for id in ["A03.1", "A03"] {
        let report = Report::new(&broken(), ReportInput { waivers: vec![waiver(id, "", "2099-01-01")], ..input() });
        assert_eq!(status(&report, "A03.1"), Status::Fails);
        assert!(report.ineffective.iter().any(|note| note.contains("cannot be waived")), "{:?}", report.ineffective);
    }
}

#[test]
fn a_statement_counts_for_what_cannot_be_seen_and_fails_when_it_ends() {
    let unseen = Report::new(&testing::good(), input());
    assert_eq!(status(&unseen, "N04.1"), Status::Unknown);
    let stated = |expires| {
        Report::new(&testing::good(), ReportInput { attestations: vec![statement("N04.1", expires)], ..input() })
    };
    assert_eq!(status(&stated("2026-12-31"), "N04.1"), Status::Attested);
    let ended = stated("2026-01-31");
    assert_eq!(status(&ended, "N04.1"), Status::Fails);
    assert!(ended.counts.fails == 1 && ended.score <= 90);
    // What the audit saw broken stays broken, whatever people say.
    let denied = ReportInput { attestations: vec![statement("A03.1", "2099-01-01")], ..input() };
    assert_eq!(status(&Report::new(&broken(), denied), "A03.1"), Status::Fails);
}

#[test]
fn the_worst_open_finding_caps_the_score() {
    let good = Report::new(&testing::good(), input());
    assert!(good.score > 90 && good.counts.fails == 0, "{} {:?}", good.score, good.counts);
    let mut should = testing::good();
    should.listeners.known_mut().unwrap()[1].address.set_port(8243);
    assert!(Report::new(&should, input()).score <= 90);
    let mut must = testing::good();
    must.tokens.known_mut().unwrap().password_grant = true;
    assert_eq!(Report::new(&must, input()).score, 50);
    assert_eq!(Report::new(&broken(), input()).score, 25);
    assert_eq!(Report::new(&Posture::default(), input()).score, 0, "what nobody looked at is worth nothing");
}

#[test]
fn only_what_was_asked_for_is_in_the_report() {
    let report = Report::new(&broken(), ReportInput { only: vec!["A04.1".into(), "A03".into()], ..input() });
    assert!(report.results().all(|result| result.check.id == "A04.1" || result.check.guideline() == "A03"));
    assert_eq!(report.counts.fails, 2);
}

#[test]
fn reports_keep_their_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for posture in [testing::good(), testing::good_wso2(), broken(), Posture::default()] {
        let text = render(&Report::new(&posture, input()), Format::Json, &rng());
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(validator.is_valid(&report), "{:?}", validator.iter_errors(&report).next().map(|e| e.to_string()));
    }
    assert!(!validator.is_valid(&serde_json::json!({ "format": 1 })));
}

#[test]
fn hostile_texts_stay_texts_in_every_form() {
    let mut posture = broken();
    let place = "x\"><script>alert(1)</script>\u{1b}[2J\u{0}.toml:3".to_owned();
    posture.secrets.known_mut().unwrap().plain.push(crate::PlainSecret { place: place.clone(), key: place });
    let report = Report::new(&posture, input());
    for format in [Format::Text, Format::Html, Format::Junit] {
        let text = render(&report, format, &rng());
        assert!(!text.contains('\u{1b}') && !text.contains('\u{0}'), "{format:?}");
        assert!(format == Format::Text || !text.contains("<script"), "{format:?}");
    }
    let html = render(&report, Format::Html, &rng());
    assert!(html.contains("&lt;script&gt;") && !html.contains(" src=") && !html.contains("http:"));
    for format in [Format::Json, Format::Sarif, Format::Oscal] {
        serde_json::from_str::<serde_json::Value>(&render(&report, format, &rng())).unwrap();
    }
}

#[test]
fn sarif_has_a_rule_to_every_result() {
    let text = render(&Report::new(&broken(), input()), Format::Sarif, &rng());
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let run = &document["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        assert_eq!(result["kind"] == "fail", result["level"] != "none");
    }
}

#[test]
fn drift_names_what_changed() {
    let before: serde_json::Value =
        serde_json::from_str(&render(&Report::new(&testing::good(), input()), Format::Json, &rng())).unwrap();
    let after: serde_json::Value =
        serde_json::from_str(&render(&Report::new(&broken(), input()), Format::Json, &rng())).unwrap();
    let worse = drift(&before, &after).unwrap();
    assert!(worse.is_worse());
    assert_eq!(worse.changed.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(), ["A03.1", "A04.1"]);
    assert_eq!((worse.appeared.len(), worse.gone.len()), (2, 0));
    let better = drift(&after, &before).unwrap();
    assert!(!better.is_worse() && better.gone.len() == 2 && better.score_after > better.score_before);
    assert_eq!(drift(&before, &serde_json::json!({})), None);
    assert!(!drift(&before, &before).unwrap().is_worse());
}
