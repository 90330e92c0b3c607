//! Paging and the list shape all WSO2 APIs share.

use serde_json::{Value, json};
use store::repository::comment::Window;
use web::{Call, RestError};

use crate::devportal::Part;

/// Most entries of one answer.
const MAX_LIMIT: usize = 1000;

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    limit: usize,
    offset: usize,
    path: String,
    query: String,
}

/// An answer whose list has another name in WSO2: `apis`, `certificates`.
pub(crate) fn renamed(mut answer: Value, name: &str) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        let list = fields.remove("list").unwrap_or_default();
        fields.insert(name.to_owned(), list);
    }
    answer
}

impl Page {
    /// From `limit` (default 25, at most 1000) and `offset`.
    ///
    /// # Errors
    /// 400 when one is not a number.
    pub(crate) fn of(call: &Call) -> Result<Self, RestError> {
        Self::with_default(call, 25)
    }

    /// The same with another default limit.
    ///
    /// # Errors
    /// 400 when one is not a number.
    pub(crate) fn with_default(call: &Call, default: usize) -> Result<Self, RestError> {
        // WSO2 reads a negative or zero number as the default.
        let limit = match call.query_or("limit", 0_i64)? {
            limit if limit > 0 => usize::try_from(limit).unwrap_or(MAX_LIMIT).min(MAX_LIMIT),
            _ => default,
        };
        let offset = usize::try_from(call.query_or("offset", 0_i64)?.max(0)).unwrap_or(usize::MAX);
        let path = call.uri.path().rsplit_once('/').map_or("", |(_, last)| last);
        let query = call.query("query").unwrap_or_default().to_owned();
        Ok(Self { limit, offset, path: format!("/{path}"), query })
    }

    /// A part of a list that is shown elsewhere than in a REST answer, so that its links do not matter.
    pub(crate) fn numbered(limit: usize, offset: usize) -> Self {
        Self { limit: limit.clamp(1, MAX_LIMIT), offset, path: String::new(), query: String::new() }
    }

    /// This page's part of a list that a use case cuts.
    pub(crate) const fn part(&self) -> Part {
        Part { limit: self.limit, offset: self.offset }
    }

    /// This page's part of a list as the database counts: how many, and after how many.
    pub(crate) fn rows(&self) -> (i64, i64) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        (number(self.limit), number(self.offset))
    }

    /// This page's part of a list that the database cuts.
    pub(crate) const fn window(&self) -> Window {
        Window { limit: self.limit, offset: self.offset }
    }

    /// Takes this page's part of all entries.
    pub(crate) fn cut<T>(&self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit).collect()
    }

    /// The answer for a page of `total` entries: `{count, list, pagination}`.
    pub(crate) fn list(&self, total: usize, entries: Vec<Value>) -> Value {
        let next = self.offset.saturating_add(self.limit);
        let link = |offset: usize| {
            let query: String = form_urlencoded::byte_serialize(self.query.as_bytes()).collect();
            format!("{}?limit={}&offset={offset}&query={query}", self.path, self.limit)
        };
        let previous = if self.offset == 0 { String::new() } else { link(self.offset.saturating_sub(self.limit)) };
        json!({
            "count": entries.len(),
            "list": entries,
            "pagination": {
                "offset": self.offset,
                "limit": self.limit,
                "total": total,
                "next": if next < total { link(next) } else { String::new() },
                "previous": previous,
            },
        })
    }

    /// Cuts and answers in one step.
    pub(crate) fn answer(&self, all: Vec<Value>) -> Value {
        let total = all.len();
        self.list(total, self.cut(all))
    }
}
