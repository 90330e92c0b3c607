//! `$ref` inside one document.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

use super::SchemaError;

/// Most schemas that one operation may reach.
const MAX_SCHEMAS: usize = 2000;
/// Deepest chain of references to references.
const MAX_HOPS: usize = 32;

/// Keywords whose schemas look at the same value again.
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

fn unresolved(reference: &str) -> SchemaError {
    SchemaError::Reference(reference.chars().take(200).collect())
}

/// What a local reference points to.
pub(super) fn target<'a>(document: &'a Value, reference: &str) -> Result<&'a Value, SchemaError> {
    let pointer = reference.strip_prefix('#').ok_or_else(|| unresolved(reference))?;
    let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
    document.pointer(&decoded).ok_or_else(|| unresolved(reference))
}

/// Follows references until there is none.
pub(super) fn resolved<'a>(document: &'a Value, mut value: &'a Value) -> Result<&'a Value, SchemaError> {
    for _ in 0..MAX_HOPS {
        match value.get("$ref").and_then(Value::as_str) {
            None => return Ok(value),
            Some(reference) => value = target(document, reference)?,
        }
    }
    Err(SchemaError::Endless(value.get("$ref").and_then(Value::as_str).unwrap_or_default().to_owned()))
}

/// All references below a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" => {
                        found.insert(text.clone());
                    }
                    // Examples are data.
                    _ if matches!(name.as_str(), "example" | "examples" | "default" | "enum" | "const") => {}
                    _ => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// References that are followed without a step into the value.
fn in_place(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        found.insert(reference.to_owned());
    }
    for name in IN_PLACE {
        if let Some(inner) = schema.get(name) {
            in_place(inner, found);
        }
    }
    for name in IN_PLACE_LISTS {
        schema.get(name).and_then(Value::as_array).into_iter().flatten().for_each(|inner| in_place(inner, found));
    }
    for name in ["dependentSchemas", "dependencies"] {
        let members = schema.get(name).and_then(Value::as_object);
        members.into_iter().flat_map(Map::values).for_each(|inner| in_place(inner, found));
    }
}

/// Refuses references that come back to themselves without a step into the value: validation would never end.
fn check_ends(schemas: &BTreeMap<String, &Value>) -> Result<(), SchemaError> {
    let edges: BTreeMap<&str, BTreeSet<String>> = schemas
        .iter()
        .map(|(name, schema)| {
            let mut next = BTreeSet::new();
            in_place(schema, &mut next);
            (name.as_str(), next)
        })
        .collect();
    // Names without a way back are taken away until none is left; what is left goes round.
    let mut open: BTreeSet<&str> = edges.keys().copied().collect();
    loop {
        let ends = |name: &&str| edges.get(name).is_none_or(|next| !next.iter().any(|n| open.contains(n.as_str())));
        let done: Vec<&str> = open.iter().copied().filter(|name| ends(name)).collect();
        if done.is_empty() {
            break;
        }
        for name in done {
            open.remove(name);
        }
    }
    open.first().map_or(Ok(()), |name| Err(SchemaError::Endless((*name).to_owned())))
}

/// A schema together with everything that it refers to, at the same places as in the document.
pub(super) fn closed(document: &Value, schema: &Value, convert: &dyn Fn(&mut Value)) -> Result<Value, SchemaError> {
    let mut schemas: BTreeMap<String, &Value> = BTreeMap::new();
    let mut waiting = BTreeSet::new();
    references(schema, &mut waiting);
    while let Some(reference) = waiting.pop_first() {
        if schemas.contains_key(&reference) {
            continue;
        }
        let found = target(document, &reference)?;
        if schemas.len() >= MAX_SCHEMAS {
            return Err(SchemaError::TooMany(MAX_SCHEMAS));
        }
        references(found, &mut waiting);
        schemas.insert(reference, found);
    }
    check_ends(&schemas)?;
    let mut own = schema.clone();
    convert(&mut own);
    let mut whole = Map::new();
    for (reference, found) in schemas {
        let mut copy = found.clone();
        convert(&mut copy);
        let decoded = percent_encoding::percent_decode_str(reference.trim_start_matches('#')).decode_utf8_lossy();
        let steps: Vec<String> =
            decoded.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        place(&mut whole, &steps, copy);
    }
    whole.insert("allOf".into(), Value::Array(vec![own]));
    Ok(Value::Object(whole))
}

/// Puts a value at a place; one that lies in another that is there already stays as it is.
fn place(into: &mut Map<String, Value>, steps: &[String], value: Value) {
    let Some((first, rest)) = steps.split_first() else { return };
    if rest.is_empty() {
        into.insert(first.clone(), value);
        return;
    }
    let next = into.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(next) = next {
        place(next, rest, value);
    }
}
