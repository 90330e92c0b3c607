//! Conditions of `[?(..)]`.

use serde_json::Value as Json;

use super::select::value;
use super::{JsonPath, Outside};
use crate::flow::Failure;
use crate::pattern::Pattern;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Matches,
    In,
    NotIn,
    SubsetOf,
    AnyOf,
    NoneOf,
    Size,
    Empty,
    Contains,
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Current(JsonPath),
    Root(JsonPath),
    Outside(String, JsonPath),
    Literal(Json),
}

#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Or(Box<Filter>, Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Exists(Operand),
    Compare(Comparison, Operand, Operand),
    Matches(Operand, Pattern),
}

impl Operand {
    fn value(&self, root: &Json, current: &Json, outside: &mut dyn Outside) -> Result<Option<Json>, Failure> {
        match self {
            Self::Current(path) => value(path, root, current, outside),
            Self::Root(path) => value(path, root, root, outside),
            Self::Outside(name, path) => {
                let base = outside.root(name)?;
                value(path, &base, &base, outside)
            }
            Self::Literal(literal) => Ok(Some(literal.clone())),
        }
    }
}

impl Filter {
    /// True when the filter keeps `current`.
    pub(super) fn keeps(&self, root: &Json, current: &Json, outside: &mut dyn Outside) -> Result<bool, Failure> {
        outside.spend(1)?;
        match self {
            Self::Or(left, right) => Ok(left.keeps(root, current, outside)? || right.keeps(root, current, outside)?),
            Self::And(left, right) => Ok(left.keeps(root, current, outside)? && right.keeps(root, current, outside)?),
            Self::Not(inner) => Ok(!inner.keeps(root, current, outside)?),
            Self::Exists(operand) => Ok(operand.value(root, current, outside)?.is_some()),
            Self::Matches(operand, pattern) => match operand.value(root, current, outside)? {
                Some(value) => pattern.finds(&crate::json::text_of(&value)).map_err(Failure::new),
                None => Ok(false),
            },
            Self::Compare(comparison, left, right) => {
                let left = left.value(root, current, outside)?;
                let right = right.value(root, current, outside)?;
                Ok(compare(*comparison, left.as_ref(), right.as_ref()))
            }
        }
    }
}

fn compare(comparison: Comparison, left: Option<&Json>, right: Option<&Json>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        let both_missing = left.is_none() && right.is_none();
        return match comparison {
            Comparison::Equal => both_missing,
            Comparison::NotEqual => !both_missing,
            _ => false,
        };
    };
    let items = |value: &Json| value.as_array().cloned().unwrap_or_default();
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::Less => order(left, right).is_some_and(std::cmp::Ordering::is_lt),
        Comparison::LessEqual => order(left, right).is_some_and(std::cmp::Ordering::is_le),
        Comparison::Greater => order(left, right).is_some_and(std::cmp::Ordering::is_gt),
        Comparison::GreaterEqual => order(left, right).is_some_and(std::cmp::Ordering::is_ge),
        Comparison::In => items(right).iter().any(|item| equal(item, left)),
        Comparison::NotIn => !items(right).iter().any(|item| equal(item, left)),
        Comparison::SubsetOf => items(left).iter().all(|item| items(right).iter().any(|other| equal(item, other))),
        Comparison::AnyOf => items(left).iter().any(|item| items(right).iter().any(|other| equal(item, other))),
        Comparison::NoneOf => !items(left).iter().any(|item| items(right).iter().any(|other| equal(item, other))),
        Comparison::Size => size(left).is_some_and(|size| right.as_u64() == Some(size)),
        Comparison::Empty => size(left).is_some_and(|size| (size == 0) == right.as_bool().unwrap_or(true)),
        Comparison::Contains => match left {
            Json::String(text) => right.as_str().is_some_and(|part| text.contains(part)),
            other => items(other).iter().any(|item| equal(item, right)),
        },
        Comparison::Matches => false,
    }
}

fn size(value: &Json) -> Option<u64> {
    match value {
        Json::Array(items) => Some(items.len() as u64),
        Json::Object(members) => Some(members.len() as u64),
        Json::String(text) => Some(text.chars().count() as u64),
        _ => None,
    }
}

/// Equality as Jayway has it: numbers by value, and a number with the text that reads like it.
fn equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Number(a), Json::String(b)) | (Json::String(b), Json::Number(a)) => {
            b.parse::<f64>().is_ok_and(|b| Some(b) == a.as_f64())
        }
        _ => left == right,
    }
}

fn order(left: &Json, right: &Json) -> Option<std::cmp::Ordering> {
    let number = |value: &Json| match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match (left, right) {
        (Json::String(a), Json::String(b)) => match (number(left), number(right)) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => Some(a.cmp(b)),
        },
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}
