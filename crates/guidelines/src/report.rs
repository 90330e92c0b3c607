//! The report of an audit: what every check said, with waivers, statements of people and a score.

mod drift;
mod html;
mod junit;
mod oscal;
mod sarif;
mod text;

use model::{Rng, Timestamp};

use crate::{CheckMeta, Enforcement, Evaluation, Fault, Judgement, Posture, Severity, evaluate, guideline};

pub use drift::{Drift, drift};

/// What was audited.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Subject {
    /// `portcullis`, or `wso2` for the home of a WSO2 product.
    pub kind: &'static str,
    /// The home directory.
    pub home: String,
    /// Product and version, as far as known.
    pub product: String,
}

/// Somebody accepts a finding until a day.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Waiver {
    /// A check or a guideline, as in `A04.1` or `A04`.
    pub id: String,
    /// Only findings whose place contains this text; empty = all of them.
    pub scope: String,
    /// Who accepts it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Last day, as in `2027-01-31`.
    pub expires: String,
}

/// Somebody vouches for what a program cannot see, until a day.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Attestation {
    /// The check.
    pub id: String,
    /// Who vouches.
    pub owner: String,
    /// What was looked at, and where that is written down.
    pub reason: String,
    /// Last day, as in `2027-01-31`.
    pub expires: String,
}

/// What one check, or one guideline, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It does not hold.
    Fails,
    /// It could not be seen.
    Unknown,
    /// It does not hold, and somebody accepts that until a day.
    Waived,
    /// Somebody vouches for it until a day.
    Attested,
    /// It holds.
    Holds,
    /// There is nothing of the kind here.
    NotApplicable,
}

impl Status {
    /// Its word in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Unknown => "unknown",
            Self::Waived => "waived",
            Self::Attested => "attested",
            Self::Holds => "holds",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Result {
    /// The check.
    #[serde(flatten)]
    pub check: CheckMeta,
    /// What it came to.
    pub status: Status,
    /// What was looked at, or why it is not known.
    pub detail: String,
    /// What it takes to know it; empty unless unknown.
    pub needs: String,
    /// What is wrong and not waived.
    pub findings: Vec<Fault>,
    /// What is wrong and waived.
    pub waived: Vec<Fault>,
}

/// What one guideline came to: the worst of its checks.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct GuidelineResult {
    /// Its id.
    pub id: &'static str,
    /// What should be.
    pub title: &'static str,
    /// The worst of its checks.
    pub status: Status,
    /// Its checks.
    pub checks: Vec<Result>,
}

/// How many checks came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Counts {
    /// Hold.
    pub holds: usize,
    /// Fail.
    pub fails: usize,
    /// Of those, `must` checks.
    pub must_fails: usize,
    /// Are waived.
    pub waived: usize,
    /// Are vouched for.
    pub attested: usize,
    /// Are not known.
    pub unknown: usize,
    /// Do not apply.
    pub not_applicable: usize,
}

/// A whole report.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Report {
    /// Version of this form: 1.
    pub format: u32,
    /// When the facts were gathered, RFC 3339.
    pub taken_at: String,
    /// Version of the program that wrote it.
    pub program: String,
    /// What was audited.
    pub subject: Subject,
    /// Whether other machines can reach a listener.
    pub exposed: bool,
    /// 0 to 100; never above what the worst open finding allows.
    pub score: u32,
    /// How many checks came to what.
    pub counts: Counts,
    /// Every guideline that was asked about.
    pub guidelines: Vec<GuidelineResult>,
    /// Waivers in force.
    pub waivers: Vec<Waiver>,
    /// Statements in force.
    pub attestations: Vec<Attestation>,
    /// Waivers and statements that have no effect, and why.
    pub ineffective: Vec<String>,
}

/// What a report is made of beside the posture.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// Version of the program.
    pub program: String,
    /// What was audited.
    pub subject: Subject,
    /// Waivers, in force or not.
    pub waivers: Vec<Waiver>,
    /// Statements, in force or not.
    pub attestations: Vec<Attestation>,
    /// Only these guidelines or checks; empty = all.
    pub only: Vec<String>,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Text,
    /// [`Report`] as JSON.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// One page without scripts.
    Html,
    /// OSCAL 1.1 assessment results, JSON.
    Oscal,
}

/// Writes a report. `rng` makes the identifiers that OSCAL asks for.
pub fn render(report: &Report, format: Format, rng: &dyn Rng) -> String {
    match format {
        Format::Text => text::render(report),
        Format::Json => pretty(report),
        Format::Sarif => pretty(&sarif::document(report)),
        Format::Junit => junit::render(report),
        Format::Html => html::render(report),
        Format::Oscal => pretty(&oscal::document(report, rng)),
    }
}

/// The JSON Schema of a report in JSON.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Report).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".to_owned(), "https://portcullis.invalid/schema/audit-report-1.json".into());
        root.insert("title".to_owned(), "Report of `portcullis audit`, format 1".into());
    }
    pretty(&schema)
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

impl Report {
    /// Judges a posture.
    pub fn new(posture: &Posture, input: ReportInput) -> Self {
        let taken_at = Timestamp::from_millis(posture.taken_at).rfc3339();
        let today = taken_at.get(..10).unwrap_or_default().to_owned();
        let wanted = |meta: &CheckMeta| {
            input.only.is_empty() || input.only.iter().any(|only| only == meta.id || only == meta.guideline())
        };
        let results = evaluate(posture).into_iter().filter(|evaluation| wanted(&evaluation.check));
        let results: Vec<Result> = results.map(|evaluation| result(evaluation, &input, &today)).collect();
        let ineffective = ineffective(&input, &results, &today);
        let (score, counts) = score(&results);
        Self {
            format: 1,
            taken_at,
            program: input.program,
            subject: input.subject,
            exposed: posture.exposed(),
            score,
            counts,
            guidelines: grouped(results),
            waivers: input.waivers.into_iter().filter(|waiver| waiver.expires >= today).collect(),
            attestations: input.attestations.into_iter().filter(|statement| statement.expires >= today).collect(),
            ineffective,
        }
    }

    /// Every result, in order.
    pub fn results(&self) -> impl Iterator<Item = &Result> {
        self.guidelines.iter().flat_map(|guideline| &guideline.checks)
    }
}

/// What a judgement comes to with the waivers and statements that concern it.
fn result(evaluation: Evaluation, input: &ReportInput, today: &str) -> Result {
    let Evaluation { check, judgement } = evaluation;
    let mut result = Result {
        check,
        status: Status::Holds,
        detail: String::new(),
        needs: String::new(),
        findings: Vec::new(),
        waived: Vec::new(),
    };
    match judgement {
        Judgement::Holds(evidence) => result.detail = evidence,
        Judgement::NotApplicable(why) => {
            result.status = Status::NotApplicable;
            result.detail = why;
        }
        Judgement::Broken(faults) => {
            let in_force = |fault: &Fault| {
                check.is_waivable()
                    && input.waivers.iter().any(|waiver| {
                        concerns(&waiver.id, &check)
                            && waiver.expires.as_str() >= today
                            && fault.place.contains(&waiver.scope)
                    })
            };
            (result.waived, result.findings) = faults.into_iter().partition(in_force);
            result.status = if result.findings.is_empty() { Status::Waived } else { Status::Fails };
        }
        Judgement::Unknown(gap) => {
            let statements = input.attestations.iter().filter(|statement| statement.id == check.id);
            let newest = statements.max_by(|a, b| a.expires.cmp(&b.expires));
            match newest {
                Some(statement) if statement.expires.as_str() >= today => {
                    result.status = Status::Attested;
                    result.detail = format!("{} until {}: {}", statement.owner, statement.expires, statement.reason);
                }
                Some(statement) => {
                    result.status = Status::Fails;
                    let observed = format!("the statement of {} ended on {}", statement.owner, statement.expires);
                    let fix = format!(
                        "look again, then: portcullis audit attest {} --owner NAME --reason TEXT --expires DATE",
                        check.id
                    );
                    result.findings.push(Fault::new(observed, fix).at("audit.toml"));
                }
                None => {
                    result.status = Status::Unknown;
                    result.detail = gap.why;
                    result.needs = gap.needs;
                }
            }
        }
    }
    result
}

fn concerns(id: &str, check: &CheckMeta) -> bool {
    id == check.id || id == check.guideline()
}

/// Why waivers and statements have no effect: they have ended, concern nothing, or would waive what holds always.
fn ineffective(input: &ReportInput, results: &[Result], today: &str) -> Vec<String> {
    let mut notes = Vec::new();
    for waiver in &input.waivers {
        let named: Vec<&Result> = results.iter().filter(|result| concerns(&waiver.id, &result.check)).collect();
        if waiver.expires.as_str() < today {
            notes.push(format!("the waiver of {} by {} ended on {}", waiver.id, waiver.owner, waiver.expires));
        } else if named.iter().any(|result| result.status == Status::Fails && !result.check.is_waivable()) {
            notes.push(format!("{} holds always and cannot be waived", waiver.id));
        } else if input.only.is_empty() && named.iter().all(|result| result.waived.is_empty()) {
            notes.push(format!("the waiver of {} by {} concerns nothing; remove it", waiver.id, waiver.owner));
        }
    }
    for statement in &input.attestations {
        let seen = results.iter().find(|result| result.check.id == statement.id);
        if seen.is_some_and(|result| !matches!(result.status, Status::Attested | Status::Fails)) {
            notes.push(format!(
                "{} is seen by the audit itself; the statement of {} is not needed",
                statement.id, statement.owner
            ));
        }
    }
    notes
}

/// `must` weighs five times as much as `should`. What is not known does not count as holding.
fn score(results: &[Result]) -> (u32, Counts) {
    let mut counts = Counts::default();
    let (mut reached, mut possible, mut cap) = (0_u32, 0_u32, 100_u32);
    for result in results {
        let weight = if result.check.severity == Severity::Must { 10 } else { 2 };
        let share = match result.status {
            Status::Holds => {
                counts.holds += 1;
                weight
            }
            Status::Attested => {
                counts.attested += 1;
                weight
            }
            Status::Waived => {
                counts.waived += 1;
                weight / 2
            }
            Status::Unknown => {
                counts.unknown += 1;
                0
            }
            Status::NotApplicable => {
                counts.not_applicable += 1;
                continue;
            }
            Status::Fails => {
                counts.fails += 1;
                counts.must_fails += usize::from(result.check.severity == Severity::Must);
                cap = cap.min(match (result.check.severity, result.check.enforcement) {
                    (Severity::Must, Enforcement::Always) => 25,
                    (Severity::Must, Enforcement::Exposed) => 50,
                    (Severity::Should, _) => 90,
                });
                0
            }
        };
        reached = reached.saturating_add(share);
        possible = possible.saturating_add(weight);
    }
    let whole = reached.saturating_mul(100).checked_div(possible).unwrap_or(0);
    (whole.min(cap), counts)
}

fn grouped(results: Vec<Result>) -> Vec<GuidelineResult> {
    let mut groups: Vec<GuidelineResult> = Vec::new();
    for result in results {
        let id = result.check.guideline();
        match groups.iter_mut().find(|group| group.id == id) {
            Some(group) => {
                group.status = group.status.min(result.status);
                group.checks.push(result);
            }
            None => groups.push(GuidelineResult {
                id,
                title: guideline(id).map_or("", |guideline| guideline.title),
                status: result.status,
                checks: vec![result],
            }),
        }
    }
    // A guideline of which something holds and nothing worse is known holds.
    groups
}

#[cfg(test)]
mod tests;
