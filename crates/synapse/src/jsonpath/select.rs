//! Walking JSON.

use serde_json::Value as Json;

use super::{JsonPath, Outside, Segment};
use crate::flow::Failure;
use crate::json;

/// A step to a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Name(String),
    Index(usize),
}

/// The way from the root to a node.
pub(crate) type Located = Vec<Key>;

#[derive(Clone)]
struct Node<'a> {
    value: &'a Json,
    /// Kept only where somebody asked for places.
    path: Option<Located>,
}

impl<'a> Node<'a> {
    fn child(&self, key: Key, value: &'a Json) -> Self {
        let path = self.path.as_ref().map(|path| {
            let mut path = path.clone();
            path.push(key);
            path
        });
        Node { value, path }
    }
}

type Outcome<T> = Result<T, Failure>;

pub(super) fn value(path: &JsonPath, root: &Json, from: &Json, outside: &mut dyn Outside) -> Outcome<Option<Json>> {
    let mut nodes = vec![Node { value: from, path: None }];
    let mut segments = path.segments.as_slice();
    let mut list = !path.is_definite();
    while let Some((segment, rest)) = segments.split_first() {
        if let Segment::Function(name, arguments) = segment {
            let subject = if let ([only], true) = (nodes.as_slice(), list)
                && only.value.is_array()
            {
                only.value.clone()
            } else if list {
                Json::Array(nodes.iter().map(|node| node.value.clone()).collect())
            } else {
                match nodes.first() {
                    Some(node) => node.value.clone(),
                    None => return Ok(None),
                }
            };
            let Some(result) = apply(name, arguments, &subject) else { return Ok(None) };
            let tail = JsonPath { segments: rest.to_vec() };
            return if rest.is_empty() { Ok(Some(result)) } else { value(&tail, &result, &result, outside) };
        }
        nodes = step(segment, nodes, root, outside)?;
        segments = rest;
    }
    list = list && !ends_in_function(path);
    if list {
        return Ok(Some(Json::Array(nodes.into_iter().map(|node| node.value.clone()).collect())));
    }
    Ok(nodes.first().map(|node| node.value.clone()))
}

fn ends_in_function(path: &JsonPath) -> bool {
    matches!(path.segments.last(), Some(Segment::Function(..)))
}

pub(super) fn locate(path: &JsonPath, root: &Json, outside: &mut dyn Outside) -> Outcome<Vec<Located>> {
    let mut nodes = vec![Node { value: root, path: Some(Vec::new()) }];
    for segment in &path.segments {
        nodes = step(segment, nodes, root, outside)?;
    }
    Ok(nodes.into_iter().filter_map(|node| node.path).collect())
}

/// The node at a place, to change.
pub(crate) fn at_mut<'a>(root: &'a mut Json, path: &[Key]) -> Option<&'a mut Json> {
    path.iter().try_fold(root, |at, key| match key {
        Key::Name(name) => at.get_mut(name.as_str()),
        Key::Index(index) => at.get_mut(*index),
    })
}

fn step<'a>(segment: &Segment, nodes: Vec<Node<'a>>, root: &Json, outside: &mut dyn Outside) -> Outcome<Vec<Node<'a>>> {
    let mut out: Vec<Node<'a>> = Vec::new();
    for node in nodes {
        outside.spend(1)?;
        match segment {
            Segment::Names(names) => {
                for name in names {
                    match node.value {
                        Json::Object(members) => {
                            if let Some(value) = members.get(name) {
                                out.push(node.child(Key::Name(name.clone()), value));
                            }
                        }
                        // A number may be written as a name: $.list.0
                        Json::Array(items) => {
                            if let Some((index, value)) = name
                                .parse::<usize>()
                                .ok()
                                .and_then(|index| items.get(index).map(|value| (index, value)))
                            {
                                out.push(node.child(Key::Index(index), value));
                            }
                        }
                        _ => {}
                    }
                }
            }
            Segment::All => children(&node, &mut out),
            Segment::Indexes(indexes) => {
                let Json::Array(items) = node.value else { continue };
                for index in indexes {
                    if let Some(index) = resolve(*index, items.len())
                        && let Some(value) = items.get(index)
                    {
                        out.push(node.child(Key::Index(index), value));
                    }
                }
            }
            Segment::Slice(from, to, by) => slice(&node, *from, *to, *by, &mut out),
            Segment::Filter(filter) => {
                let mut candidates = Vec::new();
                match node.value {
                    Json::Array(_) => children(&node, &mut candidates),
                    Json::Object(_) => candidates.push(node.clone()),
                    _ => {}
                }
                for candidate in candidates {
                    if filter.keeps(root, candidate.value, outside)? {
                        out.push(candidate);
                    }
                }
            }
            Segment::Descend => descend(&node, &mut out, outside)?,
            Segment::Function(..) => out.push(node),
        }
    }
    Ok(out)
}

fn children<'a>(node: &Node<'a>, out: &mut Vec<Node<'a>>) {
    match node.value {
        Json::Array(items) => {
            out.extend(items.iter().enumerate().map(|(index, value)| node.child(Key::Index(index), value)));
        }
        Json::Object(members) => {
            out.extend(members.iter().map(|(name, value)| node.child(Key::Name(name.clone()), value)));
        }
        _ => {}
    }
}

fn descend<'a>(node: &Node<'a>, out: &mut Vec<Node<'a>>, outside: &mut dyn Outside) -> Outcome<()> {
    let mut pending = vec![node.clone()];
    while let Some(next) = pending.pop() {
        outside.spend(1)?;
        let mut below = Vec::new();
        children(&next, &mut below);
        out.push(next);
        pending.extend(below.into_iter().rev());
    }
    Ok(())
}

fn resolve(index: i64, length: usize) -> Option<usize> {
    if index >= 0 {
        usize::try_from(index).ok()
    } else {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    }
}

fn slice<'a>(node: &Node<'a>, from: Option<i64>, to: Option<i64>, by: Option<i64>, out: &mut Vec<Node<'a>>) {
    let Json::Array(items) = node.value else { return };
    let bound = |index: i64| resolve(index, items.len()).unwrap_or(0).min(items.len());
    let begin = from.map_or(0, bound);
    let end = to.map_or(items.len(), bound);
    let by = by.and_then(|by| usize::try_from(by).ok()).filter(|by| *by > 0).unwrap_or(1);
    let range = items.iter().enumerate().take(end).skip(begin).step_by(by);
    out.extend(range.map(|(index, value)| node.child(Key::Index(index), value)));
}

fn apply(name: &str, arguments: &[f64], subject: &Json) -> Option<Json> {
    let items = subject.as_array();
    let numbers =
        || -> Vec<f64> { items.map(|items| items.iter().filter_map(Json::as_f64).collect()).unwrap_or_default() };
    let total = |numbers: &[f64]| numbers.iter().sum::<f64>();
    match name {
        "length" | "size" => match subject {
            Json::Array(items) => Some(Json::from(items.len())),
            Json::Object(members) => Some(Json::from(members.len())),
            Json::String(text) => Some(Json::from(text.chars().count())),
            _ => None,
        },
        "keys" => Some(Json::Array(subject.as_object()?.keys().map(|key| Json::from(key.as_str())).collect())),
        "first" => items?.first().cloned(),
        "last" => items?.last().cloned(),
        "index" => {
            #[expect(clippy::cast_possible_truncation, reason = "an index beyond the list gives nothing")]
            let index = arguments.first().copied().unwrap_or(0.0) as i64;
            items.and_then(|items| items.get(resolve(index, items.len())?)).cloned()
        }
        "concat" => Some(Json::String(items?.iter().map(json::text_of).collect())),
        _ => {
            let numbers = numbers();
            if numbers.is_empty() {
                return None;
            }
            let mean = total(&numbers) / numbers.len() as f64;
            Some(json::number(match name {
                "sum" => total(&numbers),
                "avg" => mean,
                "min" => numbers.iter().copied().fold(f64::NAN, f64::min),
                "max" => numbers.iter().copied().fold(f64::NAN, f64::max),
                "stddev" => {
                    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
                    (squares / numbers.len() as f64).sqrt()
                }
                _ => return None,
            }))
        }
    }
}
