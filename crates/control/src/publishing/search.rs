//! The search syntax of `query=`: `name:pizza version:1.0 tag:food free text`.

use store::repository::api::{ApiSearch, ApiTerm, Kinds};

use crate::Actor;

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
        // PostgreSQL takes no zero in a text.
        let query = &query.replace('\0', "");
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

    /// The terms as the store's index knows them.
    pub(crate) fn terms(&self) -> Vec<ApiTerm> {
        let fields: Vec<&str> = self.terms.iter().map(|term| term.field.as_str()).collect();
        let term = |term: &Term| {
            let group = fields.iter().position(|field| *field == term.field).unwrap_or(0);
            let in_field = move |field: String, exact: bool| ApiTerm { group, field, text: term.text.clone(), exact };
            let named = |name: &str| in_field(name.to_owned(), term.exact);
            match term.field.as_str() {
                "name" | "version" | "context" | "provider" | "description" | "vendor" | "subcontext"
                | "api-category" => vec![named(&term.field)],
                "status" | "lcstate" => vec![in_field("status".to_owned(), true)],
                "type" => vec![in_field("type".to_owned(), true)],
                "tag" | "tags" => vec![named("tag")],
                CONTENT => {
                    let own = ["name", "description", "context", "tag"].map(named);
                    own.into_iter().chain([in_field("document".to_owned(), false)]).collect()
                }
                property => vec![in_field(format!("property:{property}"), term.exact)],
            }
        };
        self.terms.iter().flat_map(term).collect()
    }
}

/// Who sees what of the APIs of a tenant, for the store's search.
pub(crate) fn by_access(actor: &Actor, kinds: Kinds) -> ApiSearch {
    let roles = actor.principal().roles.iter().map(|role| format!("role:{}", role.to_ascii_lowercase()));
    ApiSearch {
        tenant: actor.tenant(),
        kinds,
        states: Vec::new(),
        all_access: actor.is_admin(),
        sees: EVERYBODYS,
        tokens: roles.chain([format!("user:{}", actor.name())]).collect(),
        terms: Vec::new(),
        member: true,
    }
}

/// Level of visibility at which an API is seen whoever looks: the Developer Portal's rules do not matter.
const EVERYBODYS: i64 = 2;

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

#[cfg(test)]
mod tests {
    use super::Query;

    fn terms(query: &str) -> Vec<String> {
        let shown = |t: &store::repository::api::ApiTerm| {
            format!("{} {}{}{}", t.group, t.field, if t.exact { "=" } else { "~" }, t.text)
        };
        Query::parse(query).terms().iter().map(shown).collect()
    }

    #[test]
    fn terms_of_a_field_are_one_group() {
        assert!(terms("  ").is_empty());
        assert_eq!(terms("Pizza"), ["0 name~pizza"]);
        assert_eq!(terms("tag:a name:*x* tag:\"Cheese Cake\""), ["0 tag~a", "1 name~x", "0 tag=cheese cake"]);
        assert_eq!(terms("status:Published team:Blue"), ["0 status=published", "1 property:team~blue"]);
        let content = terms("content:about");
        assert_eq!(content.len(), 5);
        assert!(content.iter().all(|term| term.starts_with("0 ") && term.ends_with("~about")), "{content:?}");
    }

    #[test]
    fn what_no_database_takes_is_left_out() {
        assert_eq!(terms("pi\0zza"), ["0 name~pizza"]);
        assert!(terms("name:\0").is_empty());
        assert_eq!(terms(&"x ".repeat(100)).len(), 20);
    }
}
