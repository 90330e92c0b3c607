//! How the databases would find the rows of a statement: what reads the whole of a table that grows is refused while the
//! tests run, so that no such statement gets far.
//!
//! A statement that has to read everything says why in a comment of its own: `/* whole: the snapshot holds every one */`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Tables that stay small, whatever an installation grows to, with the reason.
const SMALL: &[(&str, &str)] = &[
    ("audit_head", "one row"),
    ("change_head", "one row"),
    ("schema_migration", "one row for each release that changed the schema"),
    ("setup_link", "a few one-time links of the first start"),
    ("signing_key", "a few keys of the installation; old ones are removed"),
    ("trusted_issuer", "other authorisation servers that an administrator named"),
    ("user_store", "directories that the configuration names"),
    ("tenant", "organisations that an administrator made; lists of them are cut"),
];

/// The mark of a statement that means to read everything.
const WHOLE: &str = "/* whole: ";

/// Looks at each statement the first time it is run.
#[derive(Debug, Default)]
pub(crate) struct PlanWatch {
    seen: Mutex<BTreeSet<&'static str>>,
}

impl PlanWatch {
    /// Whether the plan of a statement is to be looked at.
    pub(crate) fn wants(&self, sql: &'static str) -> bool {
        !sql.contains(WHOLE) && self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(sql)
    }
}

/// The growing table that SQLite would read from end to end, by one line of its plan.
pub(crate) fn scanned_by_sqlite(sql: &str, detail: &str) -> Option<String> {
    let mut words = detail.strip_prefix("SCAN ")?.split_whitespace();
    let name = words.next()?;
    if detail.contains("VIRTUAL TABLE") {
        return None;
    }
    growing(table_of(sql, name)?)
}

/// The table behind a name of a statement: the name itself, or what it is an alias of. `None` for a subquery.
fn table_of<'s>(sql: &'s str, name: &'s str) -> Option<&'s str> {
    let words: Vec<&str> =
        sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    let follows = |first: &str, second: &str| {
        words.windows(2).any(|pair| matches!(pair, [a, b] if a.eq_ignore_ascii_case(first) && *b == second))
    };
    let is_table = |word: &str| {
        !word.eq_ignore_ascii_case("SELECT")
            && ["FROM", "JOIN", "UPDATE", "INTO"].iter().any(|verb| follows(verb, word))
    };
    // What the statement itself makes with WITH is no table.
    let is_own = |word: &str| follows("RECURSIVE", word) || follows("WITH", word);
    if is_table(name) {
        return (!is_own(name)).then_some(name);
    }
    words.windows(3).find_map(|three| match three {
        [table, alias, _] if *alias == name && is_table(table) && !is_own(table) => Some(*table),
        [table, r#as, alias]
            if r#as.eq_ignore_ascii_case("AS") && *alias == name && is_table(table) && !is_own(table) =>
        {
            Some(*table)
        }
        _ => None,
    })
}

/// The growing tables that PostgreSQL would read from end to end, by its plan in JSON: one after the other, or by an index
/// that it does not look anything up in.
pub(crate) fn scanned_by_postgres(plan: &Value) -> Option<String> {
    if let Some(list) = plan.as_array() {
        return list.iter().find_map(scanned_by_postgres);
    }
    let text = |field: &str| plan.get(field).and_then(Value::as_str).unwrap_or_default();
    let whole = match text("Node Type") {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" => text("Index Cond").is_empty(),
        _ => false,
    };
    let here = if whole { growing(text("Relation Name")) } else { None };
    here.or_else(|| ["Plan", "Plans"].iter().find_map(|field| scanned_by_postgres(plan.get(field)?)))
}

fn growing(table: &str) -> Option<String> {
    let small =
        SMALL.iter().any(|(name, _)| *name == table) || table.starts_with("sqlite_") || table.starts_with("pg_");
    (!small).then(|| table.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{PlanWatch, scanned_by_postgres, scanned_by_sqlite};
    use serde_json::json;

    #[test]
    fn a_scan_is_named_by_its_table_also_behind_an_alias() {
        let sql = "SELECT * FROM api a JOIN revision AS r ON r.api_id = a.id, json_each($1) t WHERE a.x IN (SELECT 1)";
        assert_eq!(scanned_by_sqlite(sql, "SCAN a"), Some("api".to_owned()));
        assert_eq!(scanned_by_sqlite(sql, "SCAN r USING COVERING INDEX x"), Some("revision".to_owned()));
        for fine in [
            "SCAN t VIRTUAL TABLE INDEX 1:",
            "SEARCH a USING INDEX x (id=?)",
            "SCAN (subquery-2)",
            "SCAN 3 CONSTANT ROWS",
        ] {
            assert_eq!(scanned_by_sqlite(sql, fine), None, "{fine}");
        }
        assert_eq!(scanned_by_sqlite("SELECT 1 FROM audit_head", "SCAN audit_head"), None);
        let own = "WITH RECURSIVE below (x) AS (SELECT 1) SELECT x FROM below b";
        assert_eq!((scanned_by_sqlite(own, "SCAN b"), scanned_by_sqlite(own, "SCAN below")), (None, None));
    }

    #[test]
    fn an_index_without_a_condition_is_a_scan() {
        let node = |kind: &str, table: &str, condition: &str| {
            json!([{"Plan": {"Node Type": "Limit", "Plans": [
                {"Node Type": kind, "Relation Name": table, "Index Cond": condition}]}}])
        };
        assert_eq!(scanned_by_postgres(&node("Seq Scan", "api", "")), Some("api".to_owned()));
        assert_eq!(scanned_by_postgres(&node("Index Scan", "api", "")), Some("api".to_owned()));
        assert_eq!(scanned_by_postgres(&node("Index Scan", "api", "(id = $1)")), None);
        assert_eq!(scanned_by_postgres(&node("Seq Scan", "audit_head", "")), None);
    }

    #[test]
    fn a_statement_is_looked_at_once_and_one_with_a_reason_never() {
        let watch = PlanWatch::default();
        assert!(watch.wants("SELECT 1"));
        assert!(!watch.wants("SELECT 1"));
        assert!(!watch.wants("/* whole: the snapshot */ SELECT 1"));
    }
}
