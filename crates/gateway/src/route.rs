//! From host, path and method to an API and a resource.

use http::Method;
use matchit::Router;
use std::collections::HashMap;

use crate::path::canonical;

/// Contexts of one virtual host, or of any host.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    table: HashMap<Box<str>, usize>,
    deepest: usize,
}

impl Contexts {
    /// Adds a context; false when another API has it already.
    pub(crate) fn insert(&mut self, context: &str, api: usize) -> bool {
        if self.table.contains_key(context) {
            return false;
        }
        self.deepest = self.deepest.max(memchr::memchr_iter(b'/', context.as_bytes()).count());
        self.table.insert(context.into(), api);
        true
    }

    /// The API with the longest context that is a whole-segment prefix of the path, and where the rest begins.
    pub(crate) fn find(&self, path: &str) -> Option<(usize, usize)> {
        // Byte offsets of segment ends, at most one more than the deepest context has segments.
        let mut found = None;
        let ends = memchr::memchr_iter(b'/', path.as_bytes()).skip(1).chain(std::iter::once(path.len()));
        for end in ends.take(self.deepest) {
            if let Some(api) = path.get(..end).and_then(|prefix| self.table.get(prefix)) {
                found = Some((*api, end));
            }
        }
        found
    }
}

/// What a resource lookup finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Index of the resource.
    Found(usize),
    /// The path exists with other methods only.
    WrongMethod,
    /// No template fits the path.
    NotFound,
}

/// Why a template is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// Not a path, or not one that a canonical path can match.
    #[error("resource \"{0}\" is not a path")]
    Path(String),
    /// `{` without `}`, or two parameters that touch.
    #[error("resource \"{0}\" has a malformed parameter")]
    Parameter(String),
    /// Two resources for the same verb and path.
    #[error("resource \"{0}\" is defined twice for one verb, or conflicts with another")]
    Conflict(String),
}

/// Templates of one verb.
#[derive(Debug, Default)]
struct Table {
    /// Templates whose parameters are whole segments.
    router: Router<usize>,
    /// The others, as in `/report.{format}`, tried in order after the router.
    partial: Vec<(Vec<Segment>, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// Text before and after one parameter.
    Parameter(String, String),
    /// The rest of the path, also nothing.
    Rest,
}

/// All resources of an API.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    verbs: Vec<(Method, Table)>,
}

impl Resources {
    /// Adds a resource for a verb.
    pub(crate) fn insert(&mut self, verb: &Method, template: &str, index: usize) -> Result<(), TemplateError> {
        let segments = parse(template)?;
        let at = match self.verbs.iter().position(|(v, _)| v == verb) {
            Some(at) => at,
            None => {
                self.verbs.push((verb.clone(), Table::default()));
                self.verbs.len() - 1
            }
        };
        let Some((_, table)) = self.verbs.get_mut(at) else { return Ok(()) };
        table.insert(segments, index).map_err(|()| TemplateError::Conflict(template.to_owned()))
    }

    /// Finds the resource for a method and the path below the context.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Lookup {
        let path = trim(path);
        let table = self.verbs.iter().find(|(verb, _)| verb == method);
        if let Some(index) = table.and_then(|(_, table)| table.find(path)) {
            return Lookup::Found(index);
        }
        let elsewhere = self.verbs.iter().any(|(verb, table)| verb != method && table.find(path).is_some());
        if elsewhere { Lookup::WrongMethod } else { Lookup::NotFound }
    }
}

impl Table {
    fn insert(&mut self, segments: Vec<Segment>, index: usize) -> Result<(), ()> {
        let plain =
            |s: &Segment| !matches!(s, Segment::Parameter(before, after) if !(before.is_empty() && after.is_empty()));
        if !segments.iter().all(plain) {
            if self.partial.iter().any(|(other, _)| *other == segments) {
                return Err(());
            }
            self.partial.push((segments, index));
            return Ok(());
        }
        let mut route = String::new();
        for (position, segment) in segments.iter().enumerate() {
            match segment {
                Segment::Literal(text) => {
                    route.push('/');
                    route.push_str(text);
                }
                // Names are ours, so that `/a/{x}` and `/a/{y}/b` do not conflict.
                Segment::Parameter(..) => route.push_str(&format!("/{{p{position}}}")),
                Segment::Rest => {
                    let bare = if route.is_empty() { "/" } else { route.as_str() };
                    // `/menu/*` also means `/menu`, unless the definition has that itself.
                    let _own = self.router.insert(bare, index);
                    route.push_str("/{*rest}");
                }
            }
        }
        if route.is_empty() {
            route.push('/');
        }
        match self.router.insert(route.as_str(), index) {
            Ok(()) => Ok(()),
            // `/menu/*` before `/menu`: the exact template wins.
            Err(_) => match self.router.at_mut(&route) {
                Ok(found) if !route.contains('{') && !segments.contains(&Segment::Rest) && *found.value != index => {
                    *found.value = index;
                    Ok(())
                }
                _ => Err(()),
            },
        }
    }

    fn find(&self, path: &str) -> Option<usize> {
        if let Ok(found) = self.router.at(path) {
            return Some(*found.value);
        }
        self.partial.iter().find(|(segments, _)| fits(segments, path)).map(|(_, index)| *index)
    }
}

/// One trailing slash more or less is the same resource, as in WSO2.
fn trim(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some("") => path,
        Some(trimmed) => trimmed,
        None if path.is_empty() => "/",
        None => path,
    }
}

fn fits(segments: &[Segment], path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    for segment in segments {
        if *segment == Segment::Rest {
            return true;
        }
        let Some(part) = parts.next() else { return false };
        let fit = match segment {
            Segment::Literal(text) => part == text,
            Segment::Parameter(before, after) => part
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(after.as_str()))
                .is_some_and(|value| !value.is_empty()),
            Segment::Rest => true,
        };
        if !fit {
            return false;
        }
    }
    parts.next().is_none()
}

fn parse(template: &str) -> Result<Vec<Segment>, TemplateError> {
    let not_a_path = || TemplateError::Path(template.to_owned());
    let malformed = || TemplateError::Parameter(template.to_owned());
    // A query in a template names variables (see `template`); it does not take part in the match.
    let path = template.split_once('?').map_or(template, |(path, _)| path);
    let body = trim(path).strip_prefix('/').ok_or_else(not_a_path)?;
    let mut segments = Vec::new();
    let parts: Vec<&str> = if body.is_empty() { Vec::new() } else { body.split('/').collect() };
    let last = parts.len().saturating_sub(1);
    for (position, part) in parts.into_iter().enumerate() {
        if part == "*" || part == "{+proxy}" || part == "{proxy+}" {
            if position != last {
                return Err(malformed());
            }
            segments.push(Segment::Rest);
            continue;
        }
        let literal = |text: &str| -> Result<String, TemplateError> { canonical_literal(text).ok_or_else(not_a_path) };
        match part.split_once('{') {
            None if part.contains('}') => return Err(malformed()),
            None => {
                let text = literal(part)?;
                if matches!(text.as_str(), "" | "." | "..") {
                    return Err(not_a_path());
                }
                segments.push(Segment::Literal(text));
            }
            Some((before, rest)) => {
                let (name, after) = rest.split_once('}').ok_or_else(malformed)?;
                if name.is_empty() || name.contains('{') || after.contains(['{', '}']) || before.contains('}') {
                    return Err(malformed());
                }
                segments.push(Segment::Parameter(literal(before)?, literal(after)?));
            }
        }
    }
    Ok(segments)
}

/// The canonical form of literal text in a template; characters that a path must escape are escaped.
fn canonical_literal(text: &str) -> Option<String> {
    let mut escaped = String::from("/x");
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`|#?".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    let path = canonical(&escaped).ok()?;
    path.strip_prefix("/x").map(str::to_owned)
}

#[cfg(test)]
mod tests;
