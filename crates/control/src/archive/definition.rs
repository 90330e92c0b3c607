//! An OpenAPI definition in several files, merged into one document.
//!
//! References are followed with a work queue, never by recursion: how deep they chain is the author's choice, and the
//! stack is not. What is copied, parsed and named has caps over the whole archive.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::{Files, read_zip};
use crate::definition::text;
use crate::{ControlError, FaultKind};

/// Names a main file may have.
const MAIN: [&str; 6] = ["swagger.json", "swagger.yaml", "swagger.yml", "openapi.json", "openapi.yaml", "openapi.yml"];
/// Most values taken from other files.
const MAX_PARTS: usize = 2000;

/// The merged definition as JSON. References to other files of the archive become entries of `components/schemas`
/// (`definitions` in 2.0); nothing outside of the archive is read.
///
/// # Errors
/// 400: no main file, a broken file, a reference that leads nowhere, more than the caps allow.
pub(crate) fn merged(zip: &[u8]) -> Result<Vec<u8>, ControlError> {
    merge(&read_zip(zip)?)
}

fn merge(files: &Files) -> Result<Vec<u8>, ControlError> {
    let Some(main) = main_file(files) else {
        return Err(fault(
            "the archive has no definition: its folder must hold swagger.yaml, swagger.json, openapi.yaml or openapi.json",
        ));
    };
    let mut merger = Merger::new(files);
    let whole = merger.file(&main)?;
    let mut root = merger.copy(&whole)?;
    let is_v2 = root.get("swagger").is_some();
    merger.place = if is_v2 { "#/definitions/" } else { "#/components/schemas/" };
    let own = if is_v2 { root.get("definitions") } else { root.get("components").and_then(|c| c.get("schemas")) };
    merger.taken.extend(own.and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned());
    merger.rewrite(&mut root, &main, true)?;
    let parts = merger.parts()?;
    if let (false, Value::Object(fields)) = (parts.is_empty(), &mut root) {
        let holder = if is_v2 {
            fields.entry("definitions").or_insert_with(|| json!({}))
        } else {
            let components = fields.entry("components").or_insert_with(|| json!({}));
            match components {
                Value::Object(components) => components.entry("schemas").or_insert_with(|| json!({})),
                _ => return Err(fault("components is not an object")),
            }
        };
        match holder {
            Value::Object(holder) => holder.extend(parts),
            _ => return Err(fault("the schemas of the definition are not an object")),
        }
    }
    serde_json::to_vec(&root).map_err(|e| ControlError::internal(e.to_string()))
}

fn fault(reason: impl std::fmt::Display) -> ControlError {
    ControlError::new(
        FaultKind::Invalid,
        900_754,
        "Error while parsing OpenAPI definition",
        format!("The definition cannot be used: {reason}."),
    )
}

/// The main file in the archive's root or in its only folder.
fn main_file(files: &Files) -> Option<String> {
    let depth = |path: &str| path.matches('/').count();
    let mut found: Vec<&String> = files
        .keys()
        .filter(|path| depth(path) <= 1 && MAIN.contains(&path.rsplit('/').next().unwrap_or_default()))
        .collect();
    found.sort_by_key(|path| depth(path));
    found.first().map(|path| (*path).clone())
}

/// A part that is known by name but not copied yet.
struct Pending {
    file: String,
    pointer: String,
    name: String,
}

struct Merger<'a> {
    files: &'a Files,
    parsed: BTreeMap<String, Rc<Value>>,
    /// Values that may still be parsed, over all files.
    values_left: usize,
    /// Bytes that may still be copied into the merged document, over all parts.
    bytes_left: usize,
    /// Name of a part by file and pointer.
    names: BTreeMap<(String, String), String>,
    /// Names that are in use.
    taken: BTreeSet<String>,
    queue: VecDeque<Pending>,
    /// Where parts stand in the merged document.
    place: &'static str,
}

impl<'a> Merger<'a> {
    fn new(files: &'a Files) -> Self {
        Self {
            files,
            parsed: BTreeMap::new(),
            values_left: text::MAX_NODES,
            bytes_left: text::MAX_BYTES,
            names: BTreeMap::new(),
            taken: BTreeSet::new(),
            queue: VecDeque::new(),
            place: "",
        }
    }

    fn file(&mut self, path: &str) -> Result<Rc<Value>, ControlError> {
        if let Some(value) = self.parsed.get(path) {
            return Ok(Rc::clone(value));
        }
        let bytes = self.files.get(path).ok_or_else(|| fault(format!("{path} is not in the archive")))?;
        let (value, count) = text::parse_counted(bytes).map_err(|f| fault(format!("{path}: {f}")))?;
        self.values_left = self
            .values_left
            .checked_sub(count)
            .ok_or_else(|| fault(format!("the files hold more than {} values", text::MAX_NODES)))?;
        let value = Rc::new(value);
        self.parsed.insert(path.to_owned(), Rc::clone(&value));
        Ok(value)
    }

    /// A copy of a value of a file, as long as the merged document stays below its cap.
    fn copy(&mut self, value: &Value) -> Result<Value, ControlError> {
        let left = weigh(value, self.bytes_left);
        self.bytes_left =
            left.ok_or_else(|| fault(format!("the merged definition has more than {} bytes", text::MAX_BYTES)))?;
        Ok(value.clone())
    }

    /// Copies and rewrites all parts that are referred to, and those that they refer to.
    fn parts(&mut self) -> Result<Map<String, Value>, ControlError> {
        let mut parts = Map::new();
        while let Some(Pending { file, pointer, name }) = self.queue.pop_front() {
            let whole = self.file(&file)?;
            let found = whole
                .pointer(&pointer)
                .ok_or_else(|| fault(format!("{file}#{pointer} is referred to, but it is not there")))?;
            let mut value = self.copy(found)?;
            self.rewrite(&mut value, &file, false)?;
            parts.insert(name, value);
        }
        Ok(parts)
    }

    /// Rewrites the references of a value that stands in `file`. Walks one parsed document, whose depth the parser has
    /// capped, with a stack of its own.
    fn rewrite(&mut self, value: &mut Value, file: &str, is_main: bool) -> Result<(), ControlError> {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                Value::Array(items) => open.extend(items.iter_mut()),
                Value::Object(fields) => {
                    let reference = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
                    match reference {
                        Some(reference) => {
                            if let Some(name) = self.name_of(&reference, file, is_main)? {
                                fields.insert("$ref".to_owned(), format!("{}{name}", self.place).into());
                            }
                        }
                        None => open.extend(fields.values_mut()),
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The name of the part that a reference means; `None` for one that stays as it is.
    fn name_of(&mut self, reference: &str, file: &str, is_main: bool) -> Result<Option<String>, ControlError> {
        let (target, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        if target.contains("://") || (is_main && target.is_empty()) {
            return Ok(None);
        }
        let target = if target.is_empty() { file.to_owned() } else { beside(file, target)? };
        let key = (target, pointer.to_owned());
        if let Some(name) = self.names.get(&key) {
            return Ok(Some(name.clone()));
        }
        if self.names.len() >= MAX_PARTS {
            return Err(fault(format!("more than {MAX_PARTS} references to other files")));
        }
        let (file, pointer) = key;
        let name = self.free_name(&file, &pointer);
        self.names.insert((file.clone(), pointer.clone()), name.clone());
        self.queue.push_back(Pending { file, pointer, name: name.clone() });
        Ok(Some(name))
    }

    /// A name made of file and pointer that neither another part nor the main file's own schemas have.
    fn free_name(&mut self, file: &str, pointer: &str) -> String {
        let stem = file.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let raw = format!("{stem}{}", pointer.replace('/', "_"));
        let plain: String = raw
            .chars()
            .take(200)
            .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
            .collect();
        let mut name = plain.clone();
        let mut number = 1_usize;
        while !self.taken.insert(name.clone()) {
            number = number.saturating_add(1);
            name = format!("{plain}_{number}");
        }
        name
    }
}

/// What is left of `budget` bytes after a value; `None` when it does not fit.
fn weigh(value: &Value, budget: usize) -> Option<usize> {
    let mut left = budget;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let own = match value {
            Value::String(text) => text.len().saturating_add(2),
            Value::Array(items) => {
                open.extend(items);
                2
            }
            Value::Object(fields) => {
                open.extend(fields.values());
                fields.keys().map(|key| key.len().saturating_add(4)).sum::<usize>().saturating_add(2)
            }
            _ => 1,
        };
        left = left.checked_sub(own)?;
    }
    Some(left)
}

/// A path relative to a file's folder.
fn beside(file: &str, relative: &str) -> Result<String, ControlError> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| fault(format!("{relative} points outside of the archive")))?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Files;
    use super::merge;

    fn files(main: &str, definitions: &Value) -> Files {
        Files::from([
            ("openapi.json".to_owned(), main.as_bytes().to_vec()),
            ("defs.json".to_owned(), definitions.to_string().into_bytes()),
        ])
    }

    const MAIN: &str = r#"{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{},
        "components":{"schemas":{"defs_a":{"kept":true},"Start":{"$ref":"defs.json#/a"}}}}"#;

    fn merged(main: &str, definitions: &Value) -> Value {
        serde_json::from_slice(&merge(&files(main, definitions)).unwrap()).unwrap()
    }

    #[test]
    fn parts_are_named_apart_from_the_authors_schemas_and_circles_end() {
        let whole = merged(MAIN, &json!({"a": {"next": {"$ref": "#/b"}}, "b": {"next": {"$ref": "defs.json#/a"}}}));
        let schemas = &whole["components"]["schemas"];
        assert_eq!(schemas["Start"]["$ref"], "#/components/schemas/defs_a_2");
        assert_eq!(schemas["defs_a"], json!({"kept": true}), "the author's own schema stays");
        assert_eq!(schemas["defs_a_2"]["next"]["$ref"], "#/components/schemas/defs_b");
        assert_eq!(schemas["defs_b"]["next"]["$ref"], "#/components/schemas/defs_a_2");
    }

    #[test]
    fn long_chains_of_deep_references_need_no_stack() {
        let mut chain = serde_json::Map::new();
        for number in 0..1900 {
            let next = if number == 1899 { json!({}) } else { json!({"$ref": format!("#/k{}", number + 1)}) };
            chain.insert(format!("k{number}"), (0..45).fold(next, |inner, _| json!([inner])));
        }
        chain.insert("a".to_owned(), json!({"$ref": "#/k0"}));
        let files = files(MAIN, &chain.into());
        // A small stack would be gone at once if the references were followed by recursion.
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        let merged = thread.spawn(move || merge(&files).map(|bytes| bytes.len())).unwrap().join().unwrap();
        assert!(merged.unwrap() > 1900 * 90);
    }

    #[test]
    fn a_small_archive_cannot_become_a_large_document() {
        let text = "x".repeat(1024 * 1024);
        let mut value = json!({"text": text});
        for _ in 0..40 {
            value = json!({"in": value});
        }
        // Every level is a part of its own, each with a copy of the text.
        let references: Vec<Value> =
            (0..40).map(|depth| json!({"$ref": format!("defs.json#/a{}", "/in".repeat(depth))})).collect();
        let main = json!({"openapi": "3.0.0", "info": {}, "paths": {}, "x": references}).to_string();
        let error = merge(&files(&main, &json!({"a": value}))).unwrap_err();
        assert!(error.description.contains("merged definition has more than"), "{error}");
    }
}
