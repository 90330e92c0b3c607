//! What policies block.

use std::collections::BTreeSet;

use serde_json::Value;
use store::UnitOfWork;
use store::repository::api::ApiRow;
use store::repository::catalogue::{self, ItemKind};

use super::policies::texts;
use super::subject::Subject;
use crate::field::Field;
use crate::{Control, ControlError, FaultKind};

/// Most violations that one answer lists.
const MAX_TOLD: usize = 50;

/// Lets an API into a state unless a policy blocks it.
///
/// # Errors
/// 400 with code 903300 (WSO2's) and every violated rule that blocks.
pub(crate) async fn admit(
    control: &Control,
    work: &mut UnitOfWork,
    row: &ApiRow,
    state: &str,
) -> Result<(), ControlError> {
    let mut rulesets = BTreeSet::new();
    let mut blocking: Vec<(String, BTreeSet<String>)> = Vec::new();
    for policy in catalogue::list(work, ItemKind::GovernancePolicy, row.tenant).await? {
        let actions = policy.document.at("actions").as_array().map(Vec::as_slice).unwrap_or_default();
        for action in actions.iter().filter(|action| action.at("type") == "BLOCK" && action.at("state") == state) {
            let used: BTreeSet<String> = texts(policy.document.at("rulesets")).into_iter().map(str::to_owned).collect();
            rulesets.extend(used.iter().cloned());
            blocking.push((action.at("ruleSeverity").as_str().unwrap_or_default().to_owned(), used));
        }
    }
    if blocking.is_empty() || row.kind == crate::publishing::products::KIND {
        return Ok(());
    }
    let mut rows = catalogue::list(work, ItemKind::GovernanceRuleset, row.tenant).await?;
    rows.retain(|row| rulesets.contains(&row.id.to_string()));
    let subject = Subject::of(work, row).await?;
    let verdicts = control.heavy(move || subject.judged(&rows)).await?;
    let mut violated = BTreeSet::new();
    for (severity, used) in &blocking {
        for verdict in used.iter().filter_map(|id| verdicts.get(id)) {
            let rules = verdict.at("violated").as_array().map(Vec::as_slice).unwrap_or_default();
            violated.extend(rules.iter().filter(|rule| rule.at("severity") == severity.as_str()).map(told));
        }
    }
    if violated.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} {} violates {} rules that policies of governance demand. Put them right and try again.",
        row.name,
        row.version,
        violated.len()
    );
    let mut error = ControlError::new(FaultKind::Invalid, 903_300, "Governance policy violations found", text);
    for rule in violated.into_iter().take(MAX_TOLD) {
        error = error.with_item("903300", "Governance policy violation", rule);
    }
    Err(error)
}

fn told(rule: &Value) -> String {
    let first = rule.at("violations").get(0).unwrap_or(&Value::Null);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} at {}: {}", text(rule.at("name")), text(first.at("path")), text(first.at("message")))
}
