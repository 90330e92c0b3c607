//! Searching APIs in the database: who may see them, what they hold, in which order, which part.

use model::TenantId;
use serde_json::json;

use super::{ApiRow, read};
use crate::repository::document::Audience;
use crate::row::{containing, escaped};
use crate::{Arg, StoreError, UnitOfWork};

/// Whether API products are among what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// APIs and products.
    All,
    /// Products only.
    Products,
    /// APIs only.
    Apis,
}

/// The order of what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiOrder {
    /// When it was made, newest first.
    Newest,
    /// When it was changed, oldest first.
    Changed,
    /// When it was changed, newest first.
    ChangedLast,
    /// Name in any case, then version.
    Name,
    /// The same from the end.
    NameDown,
    /// Context in any case.
    Context,
    /// The same from the end.
    ContextDown,
    /// WSO2's name of the lifecycle state.
    State,
    /// The same from the end.
    StateDown,
}

/// One thing that must be found: a text in a field. Of the terms of one group one must be found, and one of each group.
#[derive(Clone, Debug)]
pub struct ApiTerm {
    /// Number of its group.
    pub group: usize,
    /// Field of the index, or `document` for the words of documents.
    pub field: String,
    /// The text in lower case.
    pub text: String,
    /// The whole value, not a part of it.
    pub exact: bool,
}

/// What is looked for among the APIs of a tenant, and on whose behalf.
#[derive(Clone, Debug)]
pub struct ApiSearch {
    /// Whose APIs.
    pub tenant: TenantId,
    /// Products or not.
    pub kinds: Kinds,
    /// Lifecycle states; any when empty.
    pub states: Vec<&'static str>,
    /// Whether APIs with restricted access are found whoever asks (the Publisher's access control).
    pub all_access: bool,
    /// Which visibility is seen whoever asks: 0 public, 1 private, 2 restricted as well; -1 none.
    pub sees: i64,
    /// Who asks, as `access` and `audience` of the index say it: `role:<lower case>`, `user:<name>`, `tenant:<domain>`,
    /// `tenant:` for any tenant.
    pub tokens: Vec<String>,
    /// What must be found.
    pub terms: Vec<ApiTerm>,
    /// Whether documents for members of the tenant are looked through.
    pub member: bool,
}

impl ApiSearch {
    fn groups(&self) -> i64 {
        let mut groups: Vec<usize> = self.terms.iter().map(|term| term.group).collect();
        groups.sort_unstable();
        groups.dedup();
        i64::try_from(groups.len()).unwrap_or(i64::MAX)
    }

    fn seen(&self) -> [Arg; 6] {
        let kinds = match self.kinds {
            Kinds::All => 0_i64,
            Kinds::Products => 1,
            Kinds::Apis => 2,
        };
        [
            self.tenant.into(),
            kinds.into(),
            (!self.states.is_empty()).then(|| json!(self.states).to_string()).into(),
            self.all_access.into(),
            self.sees.into(),
            json!(self.tokens).to_string().into(),
        ]
    }

    fn found(&self) -> [Arg; 9] {
        let pattern = |term: &ApiTerm| if term.exact { escaped(&term.text) } else { containing(&term.text) };
        let terms: Vec<_> = self.terms.iter().map(|term| json!([term.group, term.field, pattern(term)])).collect();
        let audience = if self.member { Audience::Members } else { Audience::Everybody };
        let [a, b, c, d, e, f] = self.seen();
        [a, b, c, d, e, f, json!(terms).to_string().into(), audience.as_str().into(), self.groups().into()]
    }
}

/// A list that is an argument, as a table of one column.
macro_rules! listed {
    (sqlite, $n:literal) => {
        concat!("(SELECT value FROM json_each($", $n, "))")
    };
    (postgres, $n:literal) => {
        concat!("(SELECT jsonb_array_elements_text(CAST($", $n, " AS jsonb)))")
    };
}

/// What somebody may see: $1 tenant, $2 products or not, $3 states, $4 all access, $5 visibility, $6 tokens.
macro_rules! seen {
    ($dialect:ident) => {
        concat!(
            "a.tenant_id = $1 AND ($2 = 0 OR ($2 = 1 AND a.kind = 'APIPRODUCT') OR ($2 = 2 AND a.kind <> 'APIPRODUCT')) \
             AND ($3 IS NULL OR a.lifecycle IN ",
            listed!($dialect, 3),
            ") AND (a.restricted <= $4 OR EXISTS (SELECT 1 FROM api_facet f WHERE f.tenant_id = $1 AND \
             f.field = 'access' AND f.api_id = a.id AND f.value IN ",
            listed!($dialect, 6),
            ")) AND (a.visible <= $5 OR EXISTS (SELECT 1 FROM api_facet f WHERE f.tenant_id = $1 AND \
             f.field = 'audience' AND f.api_id = a.id AND f.value IN ",
            listed!($dialect, 6),
            "))"
        )
    };
}

/// The APIs in which something of each group of terms is found: $7 terms, $8 audience of documents, $9 number of groups.
/// OFFSET 0 keeps PostgreSQL from joining before it looks for one term after the other.
macro_rules! found {
    (sqlite) => {
        " AND a.id IN (SELECT m.api_id FROM \
         (SELECT json_extract(t.value, '$[0]') AS grp, f.api_id AS api_id FROM json_each($7) t CROSS JOIN api_facet f \
         ON f.tenant_id = $1 AND f.field = json_extract(t.value, '$[1]') \
         AND f.value LIKE json_extract(t.value, '$[2]') ESCAPE '\\' \
         UNION ALL SELECT json_extract(t.value, '$[0]') AS grp, d.api_id AS api_id FROM json_each($7) t \
         CROSS JOIN api_document d ON json_extract(t.value, '$[1]') = 'document' AND d.tenant_id = $1 \
         AND d.audience IN ('everybody', $8) AND d.words LIKE json_extract(t.value, '$[2]') ESCAPE '\\') m \
         GROUP BY m.api_id HAVING COUNT(DISTINCT m.grp) = $9)"
    };
    (postgres) => {
        " AND a.id IN (SELECT m.api_id FROM \
         (SELECT t.e ->> 0 AS grp, h.api_id AS api_id FROM jsonb_array_elements(CAST($7 AS jsonb)) AS t(e) \
         CROSS JOIN LATERAL (SELECT f.api_id FROM api_facet f WHERE f.tenant_id = $1 AND f.field = t.e ->> 1 \
         AND f.value LIKE t.e ->> 2 ESCAPE '\\' OFFSET 0) h \
         UNION ALL SELECT t.e ->> 0 AS grp, h.api_id AS api_id FROM jsonb_array_elements(CAST($7 AS jsonb)) AS t(e) \
         CROSS JOIN LATERAL (SELECT d.api_id FROM api_document d WHERE t.e ->> 1 = 'document' AND d.tenant_id = $1 \
         AND d.audience IN ('everybody', $8) AND d.words LIKE t.e ->> 2 ESCAPE '\\' OFFSET 0) h) m \
         GROUP BY m.api_id HAVING COUNT(DISTINCT m.grp) = $9)"
    };
}

/// One statement for both databases.
macro_rules! by_dialect {
    ($work:expr, $statement:ident $(, $part:literal)*) => {
        if $work.is_postgres() { $statement!(postgres $(, $part)*) } else { $statement!(sqlite $(, $part)*) }
    };
}

macro_rules! rows_seen {
    ($dialect:ident, $order:literal) => {
        concat!("SELECT a.* FROM api a WHERE ", seen!($dialect), " ORDER BY ", $order, " LIMIT $7 OFFSET $8")
    };
}

macro_rules! rows_found {
    ($dialect:ident, $order:literal) => {
        concat!(
            "SELECT a.* FROM api a WHERE ",
            seen!($dialect),
            found!($dialect),
            " ORDER BY ",
            $order,
            " LIMIT $10 OFFSET $11"
        )
    };
}

/// The order as SQL, put into a statement of the name that is given.
macro_rules! ordered {
    ($work:expr, $statement:ident, $order:expr) => {
        match $order {
            ApiOrder::Newest => by_dialect!($work, $statement, "a.created_at DESC, a.id"),
            ApiOrder::Changed => by_dialect!($work, $statement, "a.updated_at, a.id DESC"),
            ApiOrder::ChangedLast => by_dialect!($work, $statement, "a.updated_at DESC, a.id"),
            ApiOrder::Name => by_dialect!($work, $statement, "a.name_key, a.version"),
            ApiOrder::NameDown => by_dialect!($work, $statement, "a.name_key DESC, a.version DESC"),
            ApiOrder::Context => by_dialect!($work, $statement, "a.context_key, a.id"),
            ApiOrder::ContextDown => by_dialect!($work, $statement, "a.context_key DESC, a.id DESC"),
            ApiOrder::State => by_dialect!($work, $statement, "a.lifecycle, a.id"),
            ApiOrder::StateDown => by_dialect!($work, $statement, "a.lifecycle DESC, a.id DESC"),
        }
    };
}

/// A part of the APIs that a search finds.
pub async fn search(
    work: &mut UnitOfWork,
    wanted: &ApiSearch,
    order: ApiOrder,
    (limit, offset): (i64, i64),
) -> Result<Vec<ApiRow>, StoreError> {
    let rows = if wanted.terms.is_empty() {
        let sql = ordered!(work, rows_seen, order);
        let [a, b, c, d, e, f] = wanted.seen();
        work.query(sql, [a, b, c, d, e, f, limit.into(), offset.into()]).await?
    } else {
        let sql = ordered!(work, rows_found, order);
        let [a, b, c, d, e, f, g, h, i] = wanted.found();
        work.query(sql, [a, b, c, d, e, f, g, h, i, limit.into(), offset.into()]).await?
    };
    rows.iter().map(read).collect()
}

macro_rules! count_seen {
    ($dialect:ident) => {
        concat!("SELECT COUNT(*) AS n FROM api a WHERE ", seen!($dialect))
    };
}

macro_rules! count_matches {
    ($dialect:ident) => {
        concat!("SELECT COUNT(*) AS n FROM api a WHERE ", seen!($dialect), found!($dialect))
    };
}

/// How many APIs a search finds.
pub async fn count_found(work: &mut UnitOfWork, wanted: &ApiSearch) -> Result<i64, StoreError> {
    let row = if wanted.terms.is_empty() {
        work.find(by_dialect!(work, count_seen), wanted.seen()).await?
    } else {
        work.find(by_dialect!(work, count_matches), wanted.found()).await?
    };
    row.map_or(Ok(0), |row| row.int("n"))
}

macro_rules! facets_seen {
    ($dialect:ident) => {
        concat!(
            "SELECT v.value AS value, COUNT(*) AS n FROM api a JOIN api_facet v ON v.tenant_id = $1 AND v.field = $7 \
             AND v.api_id = a.id WHERE ",
            seen!($dialect),
            " GROUP BY v.value ORDER BY COUNT(*) DESC, v.value LIMIT 10000"
        )
    };
}

/// The values of a field of the index among the APIs that somebody may see (the terms of the search are not looked at), with
/// how many have each: the most frequent first, at most 10 000.
pub async fn facets_of_found(
    work: &mut UnitOfWork,
    wanted: &ApiSearch,
    field: &'static str,
) -> Result<Vec<(String, u64)>, StoreError> {
    let [a, b, c, d, e, f] = wanted.seen();
    work.query(by_dialect!(work, facets_seen), [a, b, c, d, e, f, field.into()])
        .await?
        .iter()
        .map(|row| Ok((row.text("value")?, u64::try_from(row.int("n")?).unwrap_or(0))))
        .collect()
}
