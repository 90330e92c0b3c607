//! JSONPath in Jayway's dialect, which is what `json-eval(..)` and `${payload..}` speak.

mod filter;
mod parser;
mod select;

use serde_json::Value as Json;

pub(crate) use filter::Filter;
pub(crate) use parser::Cursor;
pub(crate) use select::{Key, Located, at_mut};

use crate::flow::Failure;
use crate::xpath::SyntaxError;

/// One step of a path.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    /// `.a`, `['a','b']`
    Names(Vec<String>),
    /// `.*`, `[*]`
    All,
    /// `[0]`, `[0,2]`, `[-1]`
    Indexes(Vec<i64>),
    /// `[1:3]`
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// `[?(..)]`
    Filter(Box<Filter>),
    /// `..`
    Descend,
    /// `.length()`
    Function(String, Vec<f64>),
}

/// A compiled path.
#[derive(Clone, Debug)]
pub(crate) struct JsonPath {
    pub(crate) segments: Vec<Segment>,
}

/// Roots other than `$` and `@` that a filter names, such as `vars.x`.
pub(crate) trait Outside {
    fn root(&mut self, name: &str) -> Result<Json, Failure>;
    fn spend(&mut self, steps: u64) -> Result<(), Failure>;
}

impl JsonPath {
    /// Compiles `$.a.b`; a path without `$` begins at the root as well.
    pub(crate) fn compile(text: &str) -> Result<Self, SyntaxError> {
        parser::parse(text)
    }

    /// True when the path names one place, so that its result is a value and not a list.
    pub(crate) fn is_definite(&self) -> bool {
        self.segments.iter().all(|segment| match segment {
            Segment::Names(names) => names.len() == 1,
            Segment::Indexes(indexes) => indexes.len() == 1,
            Segment::Function(..) => true,
            _ => false,
        })
    }

    /// The value: none when a definite path leads nowhere, a list for an indefinite one.
    pub(crate) fn value(&self, root: &Json, outside: &mut dyn Outside) -> Result<Option<Json>, Failure> {
        select::value(self, root, root, outside)
    }

    /// Where the nodes are that the path selects.
    pub(crate) fn locate(&self, root: &Json, outside: &mut dyn Outside) -> Result<Vec<Located>, Failure> {
        select::locate(self, root, outside)
    }
}

#[cfg(test)]
mod tests;
