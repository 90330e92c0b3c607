//! The search syntax of `query=`: `name:pizza version:1.0 tag:food free text`.

use model::ApiDocument;
use serde_json::Value;
use store::repository::api::ApiRow;

/// Most terms of a query; more are not looked at.
const MAX_TERMS: usize = 20;

/// The field of texts that are looked for in everything.
pub(crate) const CONTENT: &str = "content";

/// A parsed query. For each field that is named, one of its terms must match: `tag:a tag:b name:x` finds what is
/// called x and has one of the tags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    terms: Vec<Term>,
}

#[derive(Debug, PartialEq, Eq)]
struct Term {
    field: String,
    text: String,
    /// In quotes: the whole value, not a part of it.
    exact: bool,
}

impl Query {
    /// Reads a query; an empty one matches everything.
    pub(crate) fn parse(query: &str) -> Self {
        Self::parse_for(query, "name")
    }

    /// The same, with words that name no field looked for in `field`.
    pub(crate) fn parse_for(query: &str, field: &str) -> Self {
        let default = field;
        let mut terms = Vec::new();
        let mut rest = query.trim();
        while !rest.is_empty() && terms.len() < MAX_TERMS {
            let (word, tail) = next_word(rest);
            rest = tail.trim_start();
            let (field, text) = match word.split_once(':') {
                Some((field, text)) if !field.is_empty() => (field.to_lowercase(), text),
                _ => (default.to_owned(), word),
            };
            let exact = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
            let text = text.trim_matches('"').trim_matches('*').to_lowercase();
            if !text.is_empty() {
                terms.push(Term { field, text, exact });
            }
        }
        Self { terms }
    }

    /// Whether an API matches.
    pub(crate) fn matches(&self, row: &ApiRow, document: &ApiDocument) -> bool {
        self.matches_or(row, document, &|_| false)
    }

    /// The same where `elsewhere` knows of texts beside the API's own that hold a word: those count for `content`.
    pub(crate) fn matches_or(&self, row: &ApiRow, document: &ApiDocument, elsewhere: &dyn Fn(&str) -> bool) -> bool {
        let hit = |term: &Term| term.matches(row, document) || term.field == CONTENT && elsewhere(&term.text);
        let one_of = |field: &str| self.terms.iter().filter(|term| term.field == field).any(hit);
        self.terms.iter().all(|term| one_of(&term.field))
    }

    /// Texts that are looked for in everything.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().filter(|term| term.field == CONTENT).map(|term| term.text.as_str())
    }
}

/// One word; quotes hold blanks together.
fn next_word(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => return text.split_at(index),
            _ => {}
        }
    }
    (text, "")
}

impl Term {
    fn matches(&self, row: &ApiRow, document: &ApiDocument) -> bool {
        let is = |value: &str| {
            let value = value.to_lowercase();
            if self.exact { value == self.text } else { value.contains(&self.text) }
        };
        let any = |values: Vec<&str>| values.into_iter().any(is);
        match self.field.as_str() {
            "name" => is(&row.name),
            "version" => is(&row.version),
            "context" => is(&row.context),
            "provider" => is(&row.provider),
            "description" => is(document.text("description")),
            "status" | "lcstate" => row.lifecycle.to_lowercase() == self.text,
            "type" => row.kind.to_lowercase() == self.text,
            "tag" | "tags" => any(document.texts("tags")),
            "api-category" => any(document.texts("categories")),
            "vendor" => is(document.text("gatewayVendor")),
            "subcontext" => document.operations().iter().filter_map(|o| o.get("target")?.as_str()).any(is),
            CONTENT => {
                is(&row.name) || is(document.text("description")) || is(&row.context) || any(document.texts("tags"))
            }
            property => document.items("additionalProperties").iter().any(|entry| {
                let text = |f: &str| entry.get(f).and_then(Value::as_str).unwrap_or_default();
                text("name").eq_ignore_ascii_case(property) && is(text("value"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Query;
    use model::{ApiDocument, ApiId, TenantId, Timestamp};
    use serde_json::json;
    use store::repository::api::ApiRow;

    fn matches(query: &str) -> bool {
        let document: ApiDocument = serde_json::from_value(json!({
            "tags": ["food", "Cheese Cake"], "description": "All about pizza",
            "additionalProperties": [{"name": "team", "value": "blue"}],
        }))
        .unwrap();
        let row = ApiRow {
            id: ApiId::new(uuid::Uuid::nil()),
            tenant: TenantId::SUPER,
            name: "PizzaShackAPI".into(),
            version: "1.0.0".into(),
            context: "/pizzashack".into(),
            provider: "admin".into(),
            kind: "HTTP".into(),
            lifecycle: "PUBLISHED".into(),
            is_default: false,
            document: String::new(),
            last_revision: 0,
            created_at: Timestamp::from_millis(0),
            created_by: "admin".into(),
            updated_at: Timestamp::from_millis(0),
            updated_by: "admin".into(),
        };
        Query::parse(query).matches(&row, &document)
    }

    #[test]
    fn terms_are_combined() {
        for yes in [
            "",
            "pizza",
            "name:PIZZA",
            "name:\"pizzashackapi\"",
            "version:1.0.0 status:published",
            "tag:\"cheese cake\"",
            "context:/pizza",
            "provider:admin",
            "content:about",
            "team:blue",
            "name:burger name:pizza",
            "type:http",
            "name:*shack*",
        ] {
            assert!(matches(yes), "{yes}");
        }
        for no in ["burger", "name:\"pizza\"", "version:2 pizza", "status:CREATED", "tag:cake team:red", "x:y"] {
            assert!(!matches(no), "{no}");
        }
    }
}
