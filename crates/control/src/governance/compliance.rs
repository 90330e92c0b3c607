//! What came of the rules: by API, by policy, in numbers.

use std::collections::BTreeMap;

use model::ApiId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
use store::repository::catalogue::{self, ItemKind, ItemRow};
use store::repository::governance;
use store::repository::revision;

use super::find as find_item;
use super::policies::texts;
use super::subject::artifact_of;
use crate::api::page::Page;
use crate::field::Field;
use crate::publishing::load::load;
use crate::publishing::products;
use crate::{Actor, Control, ControlError};

/// What is known of a tenant's rules.
struct Rules {
    policies: Vec<ItemRow>,
    rulesets: BTreeMap<String, ItemRow>,
}

impl Rules {
    async fn of(work: &mut UnitOfWork, actor: &Actor) -> Result<Self, ControlError> {
        let policies = catalogue::list(work, ItemKind::GovernancePolicy, actor.tenant()).await?;
        let rulesets = catalogue::list(work, ItemKind::GovernanceRuleset, actor.tenant()).await?;
        Ok(Self { policies, rulesets: rulesets.into_iter().map(|row| (row.id.to_string(), row)).collect() })
    }
}

/// An API with its verdict.
struct Judged {
    row: ApiRow,
    deployed: bool,
    /// `None` while it is waited for.
    verdicts: Option<Value>,
}

impl Judged {
    async fn of(work: &mut UnitOfWork, row: ApiRow) -> Result<Self, ControlError> {
        let waiting = governance::is_requested(work, row.tenant, row.id).await?;
        let found = if waiting { None } else { governance::find(work, row.tenant, row.id).await? };
        let deployed = !revision::deployments(work, row.id).await?.is_empty();
        Ok(Self { row, deployed, verdicts: found.map(|found| found.document) })
    }

    /// Whether a policy is about the API as it stands.
    fn is_governed(&self, policy: &ItemRow) -> bool {
        texts(policy.document.at("governableStates")).iter().any(|state| match *state {
            "API_DEPLOY" => self.deployed,
            "API_PUBLISH" => self.row.lifecycle == "PUBLISHED",
            _ => true,
        })
    }

    fn verdict(&self, ruleset: &str) -> Option<&Value> {
        self.verdicts.as_ref().and_then(|verdicts| verdicts.at("rulesets").get(ruleset))
    }

    /// `FOLLOWED`, `VIOLATED`, `UNAPPLIED` or `PENDING`.
    fn status_of(&self, policy: &ItemRow) -> &'static str {
        if !self.is_governed(policy) {
            return "UNAPPLIED";
        }
        let (mut passed, mut pending) = (false, false);
        for ruleset in texts(policy.document.at("rulesets")) {
            match self.verdict(ruleset).map(|verdict| verdict.at("status").as_str().unwrap_or_default()) {
                Some("FAILED") => return "VIOLATED",
                Some("PASSED") => passed = true,
                Some(_) => {}
                None => pending = true,
            }
        }
        match (pending, passed) {
            (true, _) => "PENDING",
            (false, true) => "FOLLOWED",
            (false, false) => "UNAPPLIED",
        }
    }

    /// WSO2's word for all policies together.
    fn status(&self, rules: &Rules) -> &'static str {
        let all: Vec<&str> = rules.policies.iter().map(|policy| self.status_of(policy)).collect();
        if all.contains(&"VIOLATED") {
            "NON_COMPLIANT"
        } else if all.contains(&"PENDING") {
            "PENDING"
        } else if all.contains(&"FOLLOWED") {
            "COMPLIANT"
        } else {
            "NOT_APPLICABLE"
        }
    }

    fn info(&self) -> Value {
        json!({
            "name": self.row.name,
            "version": self.row.version,
            "type": "API",
            "extendedType": artifact_of(&self.row.kind),
            "owner": self.row.provider,
        })
    }

    fn policy(&self, rules: &Rules, policy: &ItemRow) -> Value {
        let rulesets = texts(policy.document.at("rulesets")).into_iter().map(|id| {
            let row = rules.rulesets.get(id);
            json!({
                "id": id,
                "name": row.map(|row| &row.name),
                "ruleType": row.map(|row| row.document.at("ruleType")),
                "artifactType": row.map(|row| row.document.at("artifactType")),
                "status": self.verdict(id).map_or("UNAPPLIED", |verdict| verdict.at("status").as_str().unwrap_or_default()),
            })
        });
        json!({
            "id": policy.id.to_string(),
            "name": policy.name,
            "status": self.status_of(policy),
            "rulesetValidationResults": rulesets.collect::<Vec<_>>(),
        })
    }

    /// How many rules are violated, by severity; rules of rulesets that no policy names do not count.
    fn severities(&self, rules: &Rules) -> Value {
        let mut counts: BTreeMap<&str, u64> = [("ERROR", 0), ("WARN", 0), ("INFO", 0)].into();
        let mut seen = std::collections::BTreeSet::new();
        for policy in rules.policies.iter().filter(|policy| self.is_governed(policy)) {
            seen.extend(texts(policy.document.at("rulesets")));
        }
        for verdict in seen.into_iter().filter_map(|id| self.verdict(id)) {
            for rule in verdict.at("violated").as_array().into_iter().flatten() {
                if let Some(count) = counts.get_mut(rule.at("severity").as_str().unwrap_or_default()) {
                    *count = count.saturating_add(1);
                }
            }
        }
        counts.into_iter().map(|(severity, count)| json!({"severity": severity, "violatedRulesCount": count})).collect()
    }

    fn brief(&self, rules: &Rules) -> Value {
        let count = |wanted: &str| rules.policies.iter().filter(|policy| self.status_of(policy) == wanted).count();
        json!({
            "id": self.row.id.to_string(),
            "status": self.status(rules),
            "info": self.info(),
            "policyAdherenceSummary": {
                "followed": count("FOLLOWED"),
                "violated": count("VIOLATED"),
                "pending": count("PENDING"),
                "unApplied": count("UNAPPLIED"),
                "total": rules.policies.len(),
            },
            "severityBasedRuleViolationSummary": self.severities(rules),
        })
    }
}

/// APIs of the tenant that the actor may look at.
async fn visible(work: &mut UnitOfWork, actor: &Actor) -> Result<Vec<ApiRow>, ControlError> {
    let mut rows = api::list(work, actor.tenant()).await?;
    rows.retain(|row| {
        let may = crate::publishing::parse_document(row)
            .is_ok_and(|document| crate::publishing::load::may_access(actor, row, &document));
        may && row.kind != products::KIND
    });
    Ok(rows)
}

/// One API with the policies that govern it.
pub(crate) async fn get(control: &Control, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.read().await?;
    let row = load(&mut work, actor, id).await?;
    let rules = Rules::of(&mut work, actor).await?;
    let judged = Judged::of(&mut work, row).await?;
    let policies: Vec<Value> = rules.policies.iter().map(|policy| judged.policy(&rules, policy)).collect();
    Ok(json!({
        "id": id.to_string(),
        "status": judged.status(&rules),
        "info": judged.info(),
        "governedPolicies": policies,
    }))
}

/// A page of APIs with their state.
pub(crate) async fn list(control: &Control, actor: &Actor, page: &Page) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.read().await?;
    let rules = Rules::of(&mut work, actor).await?;
    let rows = visible(&mut work, actor).await?;
    let total = rows.len();
    let mut entries = Vec::new();
    for row in page.cut(rows) {
        entries.push(Judged::of(&mut work, row).await?.brief(&rules));
    }
    Ok(page.list(total, entries))
}

/// How many APIs are in which state.
pub(crate) async fn summary(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.read().await?;
    let rules = Rules::of(&mut work, actor).await?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let rows = visible(&mut work, actor).await?;
    let total = rows.len();
    for row in rows {
        let status = Judged::of(&mut work, row).await?.status(&rules);
        let count = counts.entry(status).or_default();
        *count = count.saturating_add(1);
    }
    let of = |status: &str| counts.get(status).copied().unwrap_or_default();
    Ok(json!({
        "total": total,
        "compliant": of("COMPLIANT"),
        "nonCompliant": of("NON_COMPLIANT"),
        "notApplicable": of("NOT_APPLICABLE"),
        "pending": of("PENDING"),
    }))
}

/// What a ruleset says of an API, rule by rule.
pub(crate) async fn of_ruleset(
    control: &Control,
    actor: &Actor,
    id: ApiId,
    ruleset: &str,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let row = load(&mut work, actor, id).await?;
    let ruleset = find_item(&mut work, actor, ItemKind::GovernanceRuleset, ruleset).await?;
    let judged = Judged::of(&mut work, row).await?;
    let nothing = json!({"status": "PENDING"});
    let verdict = judged.verdict(&ruleset.id.to_string()).unwrap_or(&nothing);
    let mut violated = Vec::new();
    for rule in verdict.at("violated").as_array().into_iter().flatten() {
        for violation in rule.at("violations").as_array().into_iter().flatten() {
            violated.push(json!({
                "name": rule.at("name"),
                "status": "FAILED",
                "severity": rule.at("severity"),
                "description": rule.at("description"),
                "violatedPath": violation.at("path"),
                "message": violation.at("message"),
            }));
        }
    }
    let followed = verdict.at("followed").as_array().into_iter().flatten().map(|rule| {
        json!({
            "name": rule.at("name"),
            "status": "PASSED",
            "severity": rule.at("severity"),
            "description": rule.at("description"),
        })
    });
    Ok(json!({
        "id": ruleset.id.to_string(),
        "name": ruleset.name,
        "status": verdict.at("status"),
        "violatedRules": violated,
        "followedRules": followed.collect::<Vec<_>>(),
    }))
}

fn adherence(policy: &ItemRow, judged: &[Judged]) -> Value {
    let count = |wanted: &str| judged.iter().filter(|one| one.status_of(policy) == wanted).count();
    let (followed, violated) = (count("FOLLOWED"), count("VIOLATED"));
    let status = match (violated, followed) {
        (0, 0) => "UNAPPLIED",
        (0, _) => "FOLLOWED",
        _ => "VIOLATED",
    };
    json!({
        "id": policy.id.to_string(),
        "name": policy.name,
        "status": status,
        "complianceSummary": {"compliant": followed, "nonCompliant": violated},
    })
}

async fn all_judged(work: &mut UnitOfWork, actor: &Actor) -> Result<Vec<Judged>, ControlError> {
    let mut judged = Vec::new();
    for row in visible(work, actor).await? {
        judged.push(Judged::of(work, row).await?);
    }
    Ok(judged)
}

/// Policies with how many APIs follow each.
pub(crate) async fn adherences(control: &Control, actor: &Actor, page: &Page) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.read().await?;
    let rules = Rules::of(&mut work, actor).await?;
    let judged = all_judged(&mut work, actor).await?;
    Ok(page.answer(rules.policies.iter().map(|policy| adherence(policy, &judged)).collect()))
}

/// One policy with what each API is to it.
pub(crate) async fn adherence_of(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let policy = find_item(&mut work, actor, ItemKind::GovernancePolicy, id).await?;
    let judged = all_judged(&mut work, actor).await?;
    let mut shown = adherence(&policy, &judged);
    let evaluated: Vec<Value> = judged
        .iter()
        .filter_map(|one| {
            let status = match one.status_of(&policy) {
                "FOLLOWED" => "COMPLIANT",
                "VIOLATED" => "NON_COMPLIANT",
                "PENDING" => "PENDING",
                _ => return None,
            };
            Some(json!({"id": one.row.id.to_string(), "status": status, "info": one.info()}))
        })
        .collect();
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("evaluatedArtifacts".to_owned(), evaluated.into());
    }
    Ok(shown)
}

/// How many policies are followed by every API that they are about.
pub(crate) async fn adherence_summary(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    control.ensure_governance(actor.tenant()).await?;
    let mut work = control.read().await?;
    let rules = Rules::of(&mut work, actor).await?;
    let judged = all_judged(&mut work, actor).await?;
    let statuses: Vec<Value> =
        rules.policies.iter().map(|policy| adherence(policy, &judged).at("status").clone()).collect();
    let count = |wanted: &str| statuses.iter().filter(|status| **status == wanted).count();
    Ok(json!({
        "total": statuses.len(),
        "followed": count("FOLLOWED"),
        "violated": count("VIOLATED"),
        "unApplied": count("UNAPPLIED"),
    }))
}
