//! The file as a tree whose every value knows its place. Two files merge into one tree.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Severity, codes};

/// Place of a key or value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    /// Index into the list of files.
    pub(super) file: usize,
    /// From 1; 0 = the whole file.
    pub(super) line: u32,
    /// In characters, from 1.
    pub(super) column: u32,
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: At,
    /// The text came out of `$env{}` or `$ref{}`, so a number or a boolean may be written in it.
    pub(super) loose: bool,
}

/// What TOML can say.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    /// A number that is not a whole one, as written.
    Float(String),
    Bool(bool),
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// The word for the type in messages.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a decimal number",
            Self::Bool(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a section",
        }
    }
}

/// A table in the order of its keys.
#[derive(Clone, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// A key with its place, and its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: At,
    pub(super) node: Node,
}

impl Table {
    /// The entry of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value at a dotted path (keys that contain dots themselves are not reachable).
    pub(super) fn find(&self, path: &str) -> Option<&Node> {
        match path.split_once('.') {
            None => self.get(path).map(|entry| &entry.node),
            Some((first, rest)) => match &self.get(first)?.node.value {
                Value::Table(table) => table.find(rest),
                _ => None,
            },
        }
    }

    /// Lays `other` over this table: its keys win, tables merge, everything else (arrays of tables too) is replaced.
    pub(super) fn overlay(&mut self, other: Self) {
        let places: HashMap<String, usize> =
            self.entries.iter().enumerate().map(|(index, entry)| (entry.key.clone(), index)).collect();
        for entry in other.entries {
            let place = places.get(&entry.key).copied();
            let Some(mine) = place.and_then(|index| self.entries.get_mut(index)) else {
                self.entries.push(entry);
                continue;
            };
            match (&mut mine.node.value, entry.node.value) {
                (Value::Table(mine), Value::Table(theirs)) => mine.overlay(theirs),
                (_, value) => *mine = Entry { node: Node { value, ..entry.node }, ..entry },
            }
        }
    }
}

/// What one file gave: the tree, and the findings about its syntax.
pub(super) struct Parsed {
    pub(super) table: Table,
    pub(super) faults: Vec<Diagnostic>,
    /// Findings at or after this line are not reliable, because a section header before it is broken.
    pub(super) reliable_before: u32,
    /// Lines with a syntax error: nothing else is said about them.
    pub(super) broken_lines: Vec<u32>,
}

/// Reads TOML 1.1 text. Goes on after an error as far as the grammar allows.
pub(super) fn parse(text: &str, file: usize, name: &str) -> Parsed {
    let lines = Lines::new(text, file);
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut parsed = Parsed {
        table: lines.table(root.into_inner()),
        faults: Vec::new(),
        reliable_before: u32::MAX,
        broken_lines: Vec::new(),
    };
    if let Some(at) = template_marker(text, &lines).filter(|_| !errors.is_empty()) {
        parsed.reliable_before = 0;
        parsed.faults.push(syntax_fault(
            name,
            at,
            "this is a template, not TOML",
            "`{{` starts a template expression, for example of a Helm chart".to_owned(),
            "render the template first, then use its result",
        ));
        return parsed;
    }
    for error in errors {
        let at = lines.at(error.span().map_or(0, |span| span.start));
        if lines.text_of(at.line).trim_start().starts_with('[') {
            parsed.reliable_before = parsed.reliable_before.min(at.line);
        }
        if parsed.broken_lines.contains(&at.line) {
            continue;
        }
        parsed.broken_lines.push(at.line);
        let fix = if error.message().contains("duplicate key") {
            "keep one of the two"
        } else {
            "correct this line; text needs quotes, a section is written [name]"
        };
        parsed.faults.push(syntax_fault(name, at, "not valid TOML", error.message().replace('\n', ", "), fix));
    }
    parsed
}

fn syntax_fault(name: &str, at: At, summary: &str, reason: String, fix: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: codes::SYNTAX,
        file: name.to_owned(),
        line: at.line,
        column: at.column,
        path: String::new(),
        summary: summary.to_owned(),
        reason,
        nearest: None,
        fix: fix.to_owned(),
        more: 0,
    }
}

/// The place of the first `{{` or `{%`.
fn template_marker(text: &str, lines: &Lines<'_>) -> Option<At> {
    let first = [text.find("{{"), text.find("{%")].into_iter().flatten().min()?;
    Some(lines.at(first))
}

/// Turns byte offsets into lines and columns.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    file: usize,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str, file: usize) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(index, _)| index + 1)).collect();
        Self { text, starts, file }
    }

    fn at(&self, offset: usize) -> At {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        At { file: self.file, line: small(line), column: small(before.chars().count() + 1) }
    }

    fn text_of(&self, line: u32) -> &'t str {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or(0);
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    fn table(&self, source: DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = source
            .into_iter()
            .map(|(key, value)| Entry {
                at: self.at(key.span().start),
                key: key.into_inner().into_owned(),
                node: self.node(value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.at);
        Table { entries }
    }

    fn node(&self, source: Spanned<DeValue<'_>>) -> Node {
        let at = self.at(source.span().start);
        let value = match source.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                // Too large for any setting: kept as written, so that the reader refuses its type.
                Err(_) => Value::Float(number.to_string()),
            },
            DeValue::Float(number) => Value::Float(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Value::Bool(flag),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { value, at, loose: false }
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
