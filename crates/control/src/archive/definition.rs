//! An OpenAPI definition in several files, merged into one document.

use std::collections::BTreeMap;

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
/// 400: no main file, a broken file, a reference that leads nowhere.
pub(crate) fn merged(zip: &[u8]) -> Result<Vec<u8>, ControlError> {
    let files = read_zip(zip)?;
    let Some(main) = main_file(&files) else {
        return Err(fault(
            "the archive has no definition: its folder must hold swagger.yaml, swagger.json, openapi.yaml or openapi.json",
        ));
    };
    let mut merger = Merger { files: &files, parsed: BTreeMap::new(), names: BTreeMap::new(), parts: Map::new() };
    let mut root = merger.file(&main)?;
    let place = if root.get("swagger").is_some() { "#/definitions/" } else { "#/components/schemas/" };
    merger.rewrite(&mut root, &main, true, place)?;
    let parts = merger.parts;
    if let (false, Value::Object(fields)) = (parts.is_empty(), &mut root) {
        let holder = if place == "#/definitions/" {
            fields.entry("definitions").or_insert_with(|| json!({}))
        } else {
            let components = fields.entry("components").or_insert_with(|| json!({}));
            match components {
                Value::Object(components) => components.entry("schemas").or_insert_with(|| json!({})),
                _ => return Err(fault("components is not an object")),
            }
        };
        if let Value::Object(holder) = holder {
            holder.extend(parts);
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

struct Merger<'a> {
    files: &'a Files,
    parsed: BTreeMap<String, Value>,
    /// Name of a part by file and pointer.
    names: BTreeMap<(String, String), String>,
    parts: Map<String, Value>,
}

impl Merger<'_> {
    fn file(&mut self, path: &str) -> Result<Value, ControlError> {
        if let Some(value) = self.parsed.get(path) {
            return Ok(value.clone());
        }
        let bytes = self.files.get(path).ok_or_else(|| fault(format!("{path} is not in the archive")))?;
        let value = text::parse(bytes).map_err(|f| fault(format!("{path}: {f}")))?;
        self.parsed.insert(path.to_owned(), value.clone());
        Ok(value)
    }

    /// Rewrites the references of a value that stands in `file`.
    fn rewrite(&mut self, value: &mut Value, file: &str, is_main: bool, place: &str) -> Result<(), ControlError> {
        match value {
            Value::Array(items) => items.iter_mut().try_for_each(|v| self.rewrite(v, file, is_main, place)),
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let (target, pointer) = reference.split_once('#').unwrap_or((reference.as_str(), ""));
                    if target.contains("://") || (is_main && target.is_empty()) {
                        return Ok(());
                    }
                    let target = if target.is_empty() { file.to_owned() } else { beside(file, target)? };
                    let name = self.part(&target, &pointer.to_owned(), place)?;
                    fields.insert("$ref".to_owned(), format!("{place}{name}").into());
                    return Ok(());
                }
                fields.values_mut().try_for_each(|v| self.rewrite(v, file, is_main, place))
            }
            _ => Ok(()),
        }
    }

    fn part(&mut self, file: &str, pointer: &String, place: &str) -> Result<String, ControlError> {
        let key = (file.to_owned(), pointer.clone());
        if let Some(name) = self.names.get(&key) {
            return Ok(name.clone());
        }
        if self.names.len() >= MAX_PARTS {
            return Err(fault(format!("more than {MAX_PARTS} references to other files")));
        }
        let whole = self.file(file)?;
        let mut value = whole
            .pointer(pointer)
            .cloned()
            .ok_or_else(|| fault(format!("{file}#{pointer} is referred to, but it is not there")))?;
        let stem = file.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
        let raw = format!("{stem}{}", pointer.replace('/', "_"));
        let mut name: String =
            raw.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
        while self.names.values().any(|taken| *taken == name) {
            name.push('_');
        }
        // Known before its content is walked, so that a circle ends here.
        self.names.insert(key, name.clone());
        self.rewrite(&mut value, file, false, place)?;
        self.parts.insert(name.clone(), value);
        Ok(name)
    }
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
