//! Governance: which APIs follow the rules, which rules an API breaks, and the rules themselves.

use std::sync::Arc;

use control::Field as _;
use control::administration::governance as use_case;
use web::{Answer, Call, Permit, RouteTable};

use super::{Desk, entries, text};
use crate::page::PageError;
use crate::ui::{Badge, Code, Column, Empty, Html, Link, Page, Pager, Table, Tone};
use crate::{Portal, get};

/// As the Governance REST API asks.
/// Of administrators: publishers may read the same over REST, yet have nothing else to do in this console.
pub(super) const VIEW: &[&str] = &["apim:gov_rule_manage"];
const LIST: &str = "/admin/governance";
const API: &str = "/admin/governance/apis/{id}";
const RULESET: &str = "/admin/governance/rulesets/{id}";
/// Lines of the list of APIs on one page.
const SIZE: usize = 50;

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.governance", LIST, "Governance"), VIEW, list)
        .page(get("portal.admin.governance.api", API, "The rules and one API"), VIEW, api)
        .page(get("portal.admin.governance.ruleset", RULESET, "A ruleset"), VIEW, ruleset)
}

fn badge(status: &str) -> Html {
    let (label, tone) = match status {
        "COMPLIANT" | "FOLLOWED" | "PASSED" => ("Follows the rules", Tone::Ok),
        "NON_COMPLIANT" | "VIOLATED" | "FAILED" => ("Breaks rules", Tone::Bad),
        "PENDING" => ("Not judged yet", Tone::Warn),
        _ => ("Not concerned", Tone::Plain),
    };
    Badge::html(label, tone)
}

fn severity(name: &str) -> Html {
    match name {
        "ERROR" => Badge::html("Error", Tone::Bad),
        "WARN" => Badge::html("Warning", Tone::Warn),
        _ => Badge::html("Information", Tone::Plain),
    }
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "governance");
    let (control, actor) = (&desk.portal.control, &desk.actor);
    let from: usize = call.query_or("from", 0)?;
    let answer = use_case::compliance(control, actor, SIZE, from).await?;
    let total = answer.at("pagination").at("total").as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
    let shown = entries(answer);
    let pager = Pager::of(from, shown.len(), SIZE, total, "/admin/governance?");
    let columns = vec![Column::new("API"), Column::new("Owner"), Column::new("State"), Column::new("Broken rules")];
    let empty =
        Empty::new("There are no APIs", "Every API is judged after each change, and stands here with what it breaks.");
    let mut apis = Table::new("APIs", columns).pager(pager).empty(empty);
    for one in &shown {
        let info = one.at("info");
        let name = format!("{} {}", text(info, "name"), text(info, "version"));
        let counts = one.at("severityBasedRuleViolationSummary").as_array().into_iter().flatten();
        let broken: u64 = counts.map(|entry| entry.at("violatedRulesCount").as_u64().unwrap_or_default()).sum();
        apis.row(vec![
            Link::html(name, format!("{LIST}/apis/{}", text(one, "id"))),
            Html::text(text(info, "owner")),
            badge(text(one, "status")),
            Html::text(broken),
        ]);
    }
    let columns = vec![
        Column::new("Policy"),
        Column::new("State"),
        Column::new("APIs that follow"),
        Column::new("APIs that do not"),
    ];
    let mut policies = Table::new("Policies", columns);
    for one in entries(use_case::adherence(control, actor).await?) {
        let counts = one.at("complianceSummary");
        policies.row(vec![
            Html::text(text(&one, "name")),
            badge(text(&one, "status")),
            Html::text(counts.at("compliant")),
            Html::text(counts.at("nonCompliant")),
        ]);
    }
    let columns = vec![Column::new("Ruleset"), Column::new("About"), Column::new("By")];
    let mut rulesets = Table::new("Rulesets", columns);
    for one in entries(use_case::rulesets(control, actor).await?) {
        let about = format!("{}, {}", text(&one, "ruleType"), text(&one, "artifactType"));
        rulesets.row(vec![
            Link::html(text(&one, "name"), format!("{LIST}/rulesets/{}", text(&one, "id"))),
            Html::text(about),
            Html::text(text(&one, "provider")),
        ]);
    }
    let lead =
        "APIs are judged after every change. Rulesets and policies are made with the REST API /api/am/governance/v1.";
    desk.frame.answer(Page::new("Governance").lead(lead).add(&apis).add(&policies).add(&rulesets))
}

async fn api(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "governance");
    let (control, actor, id) = (&desk.portal.control, &desk.actor, call.path_id("id")?);
    let judged = use_case::of_api(control, actor, id).await?;
    let info = judged.at("info");
    let title = format!("{} {}", text(info, "name"), text(info, "version"));
    let mut page = Page::new(title).crumb("Governance", LIST).beside(badge(text(&judged, "status")));
    let mut seen = std::collections::BTreeSet::new();
    for policy in judged.at("governedPolicies").as_array().into_iter().flatten() {
        for ruleset in policy.at("rulesetValidationResults").as_array().into_iter().flatten() {
            if !seen.insert(text(ruleset, "id").to_owned()) {
                continue;
            }
            let name = text(ruleset, "name");
            let verdict = use_case::of_ruleset(control, actor, id, text(ruleset, "id")).await?;
            let columns = vec![Column::new("Rule"), Column::new("Severity"), Column::new("Where"), Column::new("What")];
            let followed = verdict.at("followedRules").as_array().map_or(0, Vec::len);
            let empty = Empty::new("No rule is broken", format!("{followed} rules are followed."));
            let mut table = Table::new(name, columns).empty(empty);
            for rule in verdict.at("violatedRules").as_array().into_iter().flatten() {
                table.row(vec![
                    Html::text(text(rule, "name")),
                    severity(text(rule, "severity")),
                    Html::mono(text(rule, "violatedPath")),
                    Html::text(text(rule, "message")),
                ]);
            }
            page = page.heading(name, "").add(&table);
        }
    }
    desk.frame.answer(page)
}

async fn ruleset(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "governance");
    let (shown, rules) = use_case::ruleset(&desk.portal.control, &desk.actor, call.path("id")?).await?;
    let page = Page::new(text(&shown, "name")).crumb("Governance", LIST).lead(text(&shown, "description"));
    desk.frame.answer(page.add(&Code::new("Rules", rules)))
}
