//! The JSONPath of Spectral rules (`given`, and `field` where it begins with `$`): names, wildcards, indexes, slices of names
//! in brackets, recursive descent, `~` for names, and filters.

use serde_json::Value;

use super::filter::{self, Expression};

/// Longest expression, bytes.
const MAX_TEXT: usize = 1000;

/// A parsed expression.
#[derive(Debug)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug)]
struct Step {
    /// Whether it looks at everything below, too (`..`).
    deep: bool,
    select: Select,
}

#[derive(Debug)]
enum Select {
    Names(Vec<String>),
    Index(i64),
    All,
    /// The name of what was found instead of its value (`~`).
    Keys,
    Filter(Expression),
}

/// What an expression finds.
#[derive(Clone, Debug)]
pub(super) struct Found<'d> {
    /// Names and indexes from the root.
    pub(super) path: Vec<String>,
    pub(super) value: Subject<'d>,
}

/// A value of the document, or one of its names.
#[derive(Clone, Debug)]
pub(super) enum Subject<'d> {
    Value(&'d Value),
    Name(Value),
}

impl Found<'_> {
    /// The name of what was found instead of its value; the root has none.
    fn named(self) -> Option<Self> {
        let name = Value::String(self.path.last()?.clone());
        Some(Self { path: self.path, value: Subject::Name(name) })
    }
}

impl Subject<'_> {
    pub(super) const fn value(&self) -> &Value {
        match self {
            Self::Value(value) => value,
            Self::Name(name) => name,
        }
    }
}

/// How much an evaluation may look at, so that no rule can keep a server busy.
pub(super) struct Budget(pub(super) usize);

impl Budget {
    /// Takes one step; `false` when there is none left.
    pub(super) const fn step(&mut self) -> bool {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

impl Path {
    /// Reads an expression.
    ///
    /// # Errors
    /// Why it is not understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |reason: &str| format!("the path {text:?}: {reason}");
        if text.len() > MAX_TEXT {
            return Err(format!("a path has at most {MAX_TEXT} characters"));
        }
        let mut rest = text.trim().strip_prefix('$').ok_or_else(|| wrong("it begins with $"))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest).map_err(|reason| wrong(&reason))?;
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }

    /// Everything that it finds in a document. References inside the document (`$ref`) are followed on the way.
    pub(super) fn find<'d>(&self, document: &'d Value, budget: &mut Budget) -> Vec<Found<'d>> {
        let mut found = vec![Found { path: Vec::new(), value: Subject::Value(document) }];
        for step in &self.0 {
            if matches!(step.select, Select::Keys) {
                found = found.into_iter().filter_map(Found::named).collect();
                continue;
            }
            let mut next = Vec::new();
            for one in found {
                let Subject::Value(value) = one.value else { continue };
                step.apply(document, (value, one.path), &mut next, budget);
            }
            found = next;
        }
        found
    }
}

/// The first step of a text and what follows it.
fn step(text: &str) -> Result<(Step, &str), String> {
    let (deep, rest) = match text.strip_prefix("..") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('.').unwrap_or(text)),
    };
    if let Some(rest) = rest.strip_prefix('~') {
        return Ok((Step { deep, select: Select::Keys }, rest));
    }
    if let Some(rest) = rest.strip_prefix('*') {
        return Ok((Step { deep, select: Select::All }, rest));
    }
    if let Some(inner) = rest.strip_prefix('[') {
        let end = closing(inner).ok_or("a bracket is not closed")?;
        let (inner, after) = (inner.get(..end).unwrap_or_default(), inner.get(end.saturating_add(1)..));
        return Ok((Step { deep, select: bracket(inner.trim())? }, after.unwrap_or_default()));
    }
    if rest.len() == text.len() {
        return Err(format!("{text:?} is not understood"));
    }
    let end = rest.find(['.', '[', '~', '^', '*', '(', ')', ' ']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    if name.is_empty() || after.starts_with(['^', '(', ')', ' ', '*']) {
        return Err(format!("{rest:?} is not understood"));
    }
    Ok((Step { deep, select: Select::Names(vec![name.to_owned()]) }, after))
}

/// Where the bracket that was opened before a text is closed.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(') => depth = depth.saturating_add(1),
            (None, ']') if depth == 0 => return Some(at),
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn bracket(text: &str) -> Result<Select, String> {
    if text == "*" {
        return Ok(Select::All);
    }
    if let Some(expression) = text.strip_prefix('?') {
        return filter::parse(expression).map(Select::Filter);
    }
    if let Ok(index) = text.parse::<i64>() {
        return Ok(Select::Index(index));
    }
    let names: Result<Vec<String>, String> = text
        .split(',')
        .map(|name| {
            let name = name.trim();
            let bare = name.trim_matches(['\'', '"']);
            let usable = !bare.is_empty() && !bare.contains(['(', ')', '@', ':', '?']);
            if usable { Ok(bare.to_owned()) } else { Err(format!("[{text}] is not understood")) }
        })
        .collect();
    names.map(Select::Names)
}

impl Step {
    fn apply<'d>(
        &self,
        root: &'d Value,
        (value, path): (&'d Value, Vec<String>),
        found: &mut Vec<Found<'d>>,
        budget: &mut Budget,
    ) {
        let mut open = vec![(value, path)];
        while let Some((value, path)) = open.pop() {
            if !budget.step() {
                return;
            }
            // What lies behind a reference is reached below `components`, too; going there from everywhere would not end.
            let here = if self.deep { value } else { followed(root, value) };
            self.select.choose(root, (here, &path), found, budget);
            if self.deep {
                let children: Vec<_> = children(value).map(|(name, child)| (child, joined(&path, name))).collect();
                open.extend(children.into_iter().rev());
            }
        }
    }
}

impl Select {
    fn choose<'d>(
        &self,
        root: &'d Value,
        (value, path): (&'d Value, &[String]),
        found: &mut Vec<Found<'d>>,
        budget: &mut Budget,
    ) {
        let mut add = |name: String, value: &'d Value| {
            if budget.step() {
                found.push(Found { path: joined(path, name), value: Subject::Value(value) });
            }
        };
        match self {
            Self::Names(names) => {
                for name in names {
                    if let Some(child) = child(value, name) {
                        add(name.clone(), child);
                    }
                }
            }
            Self::Index(index) => {
                let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
                let at = if *index < 0 { length.saturating_add(*index) } else { *index };
                if let Some(child) = usize::try_from(at).ok().and_then(|at| list.get(at)) {
                    add(at.to_string(), child);
                }
            }
            Self::All => children(value).for_each(|(name, child)| add(name, child)),
            // Names are taken of what was found, see `Path::find`.
            Self::Keys => {}
            Self::Filter(expression) => {
                for (name, child) in children(value) {
                    if expression.holds(followed(root, child), &name) {
                        add(name, child);
                    }
                }
            }
        }
    }
}

/// A child by name or index.
pub(super) fn child<'d>(value: &'d Value, name: &str) -> Option<&'d Value> {
    match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
        _ => None,
    }
}

fn children(value: &Value) -> impl Iterator<Item = (String, &Value)> {
    let fields = value.as_object().into_iter().flatten().map(|(name, child)| (name.clone(), child));
    let items = value.as_array().into_iter().flatten().enumerate().map(|(at, child)| (at.to_string(), child));
    fields.chain(items)
}

fn joined(path: &[String], name: String) -> Vec<String> {
    path.iter().cloned().chain([name]).collect()
}

/// What a reference inside the document points to; anything else is itself.
pub(super) fn followed<'d>(root: &'d Value, value: &'d Value) -> &'d Value {
    let mut here = value;
    // References to references end somewhere in a definition that was imported; elsewhere they need not.
    for _ in 0..8 {
        let target = here.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
        match target.and_then(|pointer| root.pointer(pointer)) {
            Some(next) => here = next,
            None => return here,
        }
    }
    here
}
