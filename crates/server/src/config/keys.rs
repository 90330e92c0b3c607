//! Every key of the file is answered: a setting, a key of WSO2, or unknown with the nearest known one.

use std::collections::BTreeMap;

use super::context::Context;
use super::diagnostic::{Diagnostic, Severity, codes};
use super::nearest::{is_slip, nearest};
use super::secret::{carries_secret, is_reference, plain_secret, sounds_secret};
use super::sections::settings;
use super::tree::{At, Node, Table, Value};
use super::wso2::{self, Answer};

/// One known key: its segments, `[]` removed.
struct Known {
    segments: Vec<&'static str>,
}

/// Walks over all keys and tells about each that is no setting.
pub(super) fn check(cx: &mut Context<'_>) {
    let known: Vec<Known> = settings()
        .map(|setting| Known {
            segments: setting
                .section
                .split('.')
                .map(|segment| segment.trim_end_matches("[]"))
                .chain(setting.key.split('.'))
                .collect(),
        })
        .chain([Known { segments: vec!["secrets", "*"] }])
        .collect();
    let mut walk = Walk { known, notes: BTreeMap::new(), suggestions: 200 };
    let root = cx.root();
    walk.table(root, &mut Vec::new(), "", cx);
    cx.findings.extend(walk.notes.into_values());
}

struct Walk {
    known: Vec<Known>,
    /// One note for each WSO2 pattern and file.
    notes: BTreeMap<(usize, usize), Diagnostic>,
    /// How many more unknown keys get a suggestion: looking for one takes long, and nobody reads thousands.
    suggestions: usize,
}

impl Walk {
    fn table(&mut self, table: &Table, path: &mut Vec<String>, shown: &str, cx: &mut Context<'_>) {
        for entry in &table.entries {
            path.push(entry.key.clone());
            let dot = if shown.is_empty() { "" } else { "." };
            self.entry(&entry.node, entry.at, path, &format!("{shown}{dot}{}", quoted(&entry.key)), cx);
            path.pop();
        }
    }

    fn entry(&mut self, node: &Node, at: At, path: &mut Vec<String>, shown: &str, cx: &mut Context<'_>) {
        let nested = self.known.iter().any(|known| starts_with(&known.segments, path));
        if self.known.iter().any(|known| same(&known.segments, path)) && !nested {
            return;
        }
        let foreign = wso2::reaches(path);
        match &node.value {
            // Below a wildcard, a slip in the name of a setting or section is not taken for a key of WSO2.
            _ if !nested && !wso2::is_listed(path) && self.is_slip(path) => self.unknown(path, at, shown, cx),
            Value::Table(table) if nested || foreign => self.table(table, path, shown, cx),
            Value::List(items) if (nested || foreign) && items.iter().any(is_table) => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Table(table) = &item.value {
                        self.table(table, path, &format!("{shown}[{}]", index + 1), cx);
                    }
                }
            }
            value => match wso2::answer(path, value) {
                Some(answer) => self.answered(answer, node, at, shown, cx),
                None if nested => {
                    shown.clone_into(&mut cx.path);
                    cx.wrong_type(node, "a section");
                }
                None => self.unknown(path, at, shown, cx),
            },
        }
    }

    fn answered(&mut self, answer: Answer, node: &Node, at: At, shown: &str, cx: &mut Context<'_>) {
        let secret = match &node.value {
            Value::Text(text) => (sounds_secret(shown) && !is_reference(text)) || carries_secret(text),
            Value::Integer(_) => sounds_secret(shown),
            _ => false,
        };
        if secret {
            shown.clone_into(&mut cx.path);
            plain_secret(cx, node, None);
            return;
        }
        match answer {
            Answer::Refused { code, summary, why, fix } => {
                cx.fault_at(shown, node.at, code, summary, why, fix);
            }
            Answer::Noted { index, code, summary, why } => {
                if let Some(note) = self.notes.get_mut(&(index, at.file)) {
                    note.more += 1;
                    return;
                }
                let note = Diagnostic {
                    severity: Severity::Note,
                    code,
                    file: cx.file(at),
                    line: at.line,
                    column: at.column,
                    path: shown.to_owned(),
                    summary: summary.to_owned(),
                    reason: why.to_owned(),
                    nearest: None,
                    fix: String::new(),
                    more: 0,
                };
                self.notes.insert((index, at.file), note);
            }
        }
    }

    fn is_slip(&self, path: &[String]) -> bool {
        let Some((last, before)) = path.split_last() else { return false };
        self.known.iter().any(|known| {
            starts_with(&known.segments, before)
                && known.segments.get(before.len()).is_some_and(|right| is_slip(last, right))
        })
    }

    fn unknown(&mut self, path: &[String], at: At, shown: &str, cx: &mut Context<'_>) {
        let near = if self.suggestions > 0 { self.nearest_path(path) } else { None };
        self.suggestions = self.suggestions.saturating_sub(1);
        let fix = near.as_ref().map_or_else(
            || "remove it; `portcullis config docs` prints every key".to_owned(),
            |near| format!("write {near}; if that is not what you mean, remove the key"),
        );
        let finding = cx.fault_at(
            shown,
            at,
            codes::UNKNOWN,
            "unknown key",
            "neither Portcullis nor WSO2 has a key of this name, so it would do nothing",
            &fix,
        );
        finding.nearest = near;
    }

    /// The same key in another section, or else the nearest one of this section; our settings before WSO2's keys.
    fn nearest_path(&self, path: &[String]) -> Option<String> {
        let (last, before) = path.split_last()?;
        let own = || self.known.iter().map(|known| known.segments.as_slice());
        let elsewhere = own().find_map(|segments| {
            let index = segments.iter().position(|segment| segment == last)?;
            segments.get(..=index).map(|segments| segments.join("."))
        });
        if elsewhere.is_some() {
            return elsewhere;
        }
        let sibling = |segments: &[&'static str]| {
            let segment = segments.get(before.len()).copied()?;
            (starts_with(segments, before) && !segment.contains('*')).then_some(segment)
        };
        let near =
            nearest(last, own().filter_map(sibling)).or_else(|| nearest(last, wso2::patterns().filter_map(sibling)))?;
        Some(before.iter().map(String::as_str).chain([near.as_str()]).collect::<Vec<_>>().join("."))
    }
}

const fn is_table(node: &Node) -> bool {
    matches!(node.value, Value::Table(_))
}

/// Whether `known` lies below `path`.
fn starts_with(known: &[&str], path: &[String]) -> bool {
    known.len() > path.len() && known.iter().zip(path).all(|(known, key)| *known == "*" || known == key)
}

fn same(known: &[&str], path: &[String]) -> bool {
    known.len() == path.len() && known.iter().zip(path).all(|(known, key)| *known == "*" || known == key)
}

/// A key as TOML would write it in a dotted path.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { key.to_owned() } else { format!("'{key}'") }
}
