//! Bytes to a JSON value: JSON or YAML, under caps, with the place of every fault.

use std::fmt;

use serde_json::Value;

/// Largest definition, bytes.
pub(crate) const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Deepest nesting.
const MAX_DEPTH: usize = 100;
/// Most values in one document.
pub(crate) const MAX_NODES: usize = 1_000_000;

/// Why a definition is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefinitionFault {
    /// Line, from 1; 0 when the fault has no place in the text.
    pub(crate) line: usize,
    /// Column, from 1; 0 when unknown.
    pub(crate) column: usize,
    /// JSON pointer; empty for faults of the text itself.
    pub(crate) pointer: String,
    /// What is wrong and how to put it right.
    pub(crate) reason: String,
}

impl fmt::Display for DefinitionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.pointer.as_str()) {
            (0, "") => f.write_str(&self.reason),
            (0, pointer) => write!(f, "at {pointer}: {}", self.reason),
            (line, "") => write!(f, "line {line}, column {}: {}", self.column, self.reason),
            (line, pointer) => write!(f, "line {line}, column {}, at {pointer}: {}", self.column, self.reason),
        }
    }
}

impl DefinitionFault {
    /// A fault without a place.
    pub(crate) fn whole(reason: impl Into<String>) -> Self {
        Self { line: 0, column: 0, pointer: String::new(), reason: reason.into() }
    }

    /// A fault at a JSON pointer, with the line where its last key stands in the text.
    pub(crate) fn at(text: &str, keys: &[&str], reason: impl Into<String>) -> Self {
        let pointer: String = keys.iter().map(|k| format!("/{}", k.replace('~', "~0").replace('/', "~1"))).collect();
        let (line, column) = locate(text, keys).unwrap_or((1, 1));
        Self { line, column, pointer, reason: reason.into() }
    }
}

/// Reads JSON (when the first character is a brace or bracket) or YAML.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, DefinitionFault> {
    parse_counted(bytes).map(|(value, _)| value)
}

/// The same, with the number of values in the document.
pub(crate) fn parse_counted(bytes: &[u8]) -> Result<(Value, usize), DefinitionFault> {
    if bytes.len() > MAX_BYTES {
        return Err(DefinitionFault::whole(format!(
            "the definition has {} bytes; at most {MAX_BYTES} are accepted",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count().saturating_add(1);
        DefinitionFault { line, column: 1, pointer: String::new(), reason: "the text is not UTF-8".into() }
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let value = match text.trim_start().chars().next() {
        None => return Err(DefinitionFault::whole("the definition is empty")),
        Some('{' | '[') => json(text)?,
        Some(_) => yaml(text)?,
    };
    let mut nodes = 0;
    measure(&value, 1, &mut nodes)?;
    Ok((value, nodes))
}

fn json(text: &str) -> Result<Value, DefinitionFault> {
    serde_json::from_str(text).map_err(|e| DefinitionFault {
        line: e.line().max(1),
        column: e.column().max(1),
        pointer: String::new(),
        reason: format!("not JSON: {}", without_place(&e.to_string())),
    })
}

/// YAML under an expansion budget: a few aliases cannot become gigabytes.
///
/// One rule of YAML is not enforced, because WSO2's own definitions break it and other parsers do not mind: a
/// continuation line of a quoted text must be indented deeper than its key. Such lines are indented here; blanks at their
/// start are no part of the text.
pub(crate) fn yaml(text: &str) -> Result<Value, DefinitionFault> {
    let mut repaired: Option<String> = None;
    // Every repair reads the text again, so large texts get few.
    let mut left = MAX_REPAIR_BYTES.checked_div(text.len().max(1)).unwrap_or(0).min(MAX_REPAIRS);
    loop {
        let current = repaired.as_deref().unwrap_or(text);
        let fault = match read_yaml(current) {
            Ok(value) => return Ok(value),
            Err(fault) => fault,
        };
        if left == 0 || !fault.reason.contains(UNDER_INDENTED) {
            return Err(fault);
        }
        left = left.saturating_sub(1);
        repaired = Some(indent_line(current, fault.line));
    }
}

/// Most lines that are indented.
const MAX_REPAIRS: usize = 200;
/// Most bytes read for repairs.
const MAX_REPAIR_BYTES: usize = 32 * 1024 * 1024;
/// How the parser names the fault.
const UNDER_INDENTED: &str = "invalid indentation in multiline quoted scalar";

fn indent_line(text: &str, line: usize) -> String {
    const DEEPER: &str = "                                ";
    let mut indented = String::with_capacity(text.len().saturating_add(DEEPER.len()));
    for (index, content) in text.split_inclusive('\n').enumerate() {
        if index.saturating_add(1) == line {
            indented.push_str(DEEPER);
        }
        indented.push_str(content);
    }
    indented
}

fn read_yaml(text: &str) -> Result<Value, DefinitionFault> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_aliases: 1000,
            max_anchors: 1000,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let (line, column) = e.location().map_or((1, 1), |l| (place(l.line()), place(l.column())));
        let reason = e.to_string();
        let reason = reason.lines().next().unwrap_or_default().to_owned();
        DefinitionFault {
            line,
            column,
            pointer: String::new(),
            reason: format!("not YAML: {}", without_place(&reason)),
        }
    })
}

fn place(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(1).max(1)
}

/// Drops the ` at line 3 column 4` that parsers append; the fault carries it already.
fn without_place(message: &str) -> &str {
    message.find(" at line ").and_then(|i| message.get(..i)).unwrap_or(message)
}

fn measure(value: &Value, depth: usize, nodes: &mut usize) -> Result<(), DefinitionFault> {
    *nodes = nodes.saturating_add(1);
    if depth > MAX_DEPTH {
        return Err(DefinitionFault::whole(format!("the definition is nested deeper than {MAX_DEPTH} levels")));
    }
    if *nodes > MAX_NODES {
        return Err(DefinitionFault::whole(format!("the definition has more than {MAX_NODES} values")));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|v| measure(v, depth.saturating_add(1), nodes)),
        Value::Object(fields) => fields.values().try_for_each(|v| measure(v, depth.saturating_add(1), nodes)),
        _ => Ok(()),
    }
}

/// Line and column of the last of `keys`, each looked for behind the one before.
fn locate(text: &str, keys: &[&str]) -> Option<(usize, usize)> {
    let mut from = 0;
    for key in keys {
        from = find_key(text, key, from)?;
    }
    let before = text.get(..from)?;
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().map_or(0, str::len).saturating_add(1);
    Some((line, column))
}

/// Where a key stands: its text (quoted or not) with a colon behind it.
fn find_key(text: &str, key: &str, from: usize) -> Option<usize> {
    let quoted = serde_json::to_string(key).ok()?;
    let single = format!("'{key}'");
    let mut best = None;
    for form in [quoted.as_str(), single.as_str(), key] {
        if form.is_empty() {
            continue;
        }
        let mut start = from;
        while let Some(found) = text.get(start..).and_then(|t| t.find(form)).map(|i| start.saturating_add(i)) {
            let end = found.saturating_add(form.len());
            let is_key = text.get(end..).is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(':'));
            if is_key && best.is_none_or(|b| found < b) {
                best = Some(found);
                break;
            }
            start = end;
        }
    }
    best
}
