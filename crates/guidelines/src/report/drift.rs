//! What changed between two reports.

use serde_json::Value;

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Drift {
    /// Score before.
    pub score_before: u64,
    /// Score after.
    pub score_after: u64,
    /// Checks whose result differs: id, title, before, after. `""` = was not asked.
    pub changed: Vec<(String, String, String, String)>,
    /// Findings that are new: check, place, observed.
    pub appeared: Vec<(String, String, String)>,
    /// Findings that are gone: check, place, observed.
    pub gone: Vec<(String, String, String)>,
}

impl Drift {
    /// Whether the state is worse: a check fails that did not.
    pub fn is_worse(&self) -> bool {
        self.changed.iter().any(|(.., after)| after == "fails") || !self.appeared.is_empty()
    }
}

/// Compares two reports in JSON; `None` when one of them is none.
pub fn drift(before: &Value, after: &Value) -> Option<Drift> {
    let (old, new) = (checks(before)?, checks(after)?);
    let mut drift = Drift {
        score_before: before.get("score")?.as_u64()?,
        score_after: after.get("score")?.as_u64()?,
        ..Drift::default()
    };
    let mut ids: Vec<&str> = new.iter().chain(&old).map(|check| check.id).collect();
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(*id));
    for id in ids {
        let find = |list: &[Check<'_>]| list.iter().position(|check| check.id == id);
        let (was, is) = (find(&old).and_then(|i| old.get(i)), find(&new).and_then(|i| new.get(i)));
        let word = |check: Option<&Check<'_>>| check.map_or("", |check| check.status).to_owned();
        if word(was) != word(is) {
            let title = is.or(was).map_or("", |check| check.title);
            drift.changed.push((id.to_owned(), title.to_owned(), word(was), word(is)));
        }
        let faults = |check: Option<&Check<'_>>| check.map(|check| check.faults.clone()).unwrap_or_default();
        let (was, is) = (faults(was), faults(is));
        let named = |(place, observed): &(String, String)| (id.to_owned(), place.clone(), observed.clone());
        drift.appeared.extend(is.iter().filter(|fault| !was.contains(fault)).map(named));
        drift.gone.extend(was.iter().filter(|fault| !is.contains(fault)).map(named));
    }
    Some(drift)
}

struct Check<'a> {
    id: &'a str,
    title: &'a str,
    status: &'a str,
    faults: Vec<(String, String)>,
}

fn checks(report: &Value) -> Option<Vec<Check<'_>>> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for guideline in report.get("guidelines")?.as_array()? {
        for check in guideline.get("checks")?.as_array()? {
            let faults = check.get("findings")?.as_array()?;
            found.push(Check {
                id: check.get("id")?.as_str()?,
                title: check.get("title")?.as_str()?,
                status: check.get("status")?.as_str()?,
                faults: faults.iter().map(|fault| (text(fault, "place"), text(fault, "observed"))).collect(),
            });
        }
    }
    Some(found)
}
