//! The mapping between JSON and XML, as Synapse's JSON stream reader and writer do it.
//!
//! Object members are elements; arrays repeat the element after `<?xml-multiple name?>`; attributes are `@name`, text
//! beside attributes is `$`. On the way to JSON, numbers and truth values become what they look like (WSO2's
//! `synapse.commons.json.output.autoPrimitive`) and namespaces are dropped (`preserve.namespace=false`).

use serde_json::{Map, Number, Value as Json};

use crate::xml::{Document, Kind, Name, NodeId};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Levels of JSON that are turned to XML and back.
const DEPTH: usize = 200;

/// JSON as text: a string without its quotes, everything else as JSON.
pub fn text_of(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

/// A double as JSON: whole numbers without fraction; null for what JSON cannot say.
pub fn number(value: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "guarded by the range and the fraction")]
    if value.fract() == 0.0 && value.abs() < 9.0e15 {
        return Json::from(value as i64);
    }
    Number::from_f64(value).map_or(Json::Null, Json::Number)
}

/// Parses JSON text.
///
/// # Errors
/// What is wrong and where.
pub fn parse(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

/// JSON as the XML that expressions see: `jsonObject`, `jsonArray`, or `jsonElement` around a scalar.
pub fn to_xml(json: &Json) -> Document {
    let mut document = Document::new();
    append_root(&mut document, NodeId::DOCUMENT, json);
    document
}

/// Appends the XML of a JSON document to a node.
pub fn append_root(document: &mut Document, parent: NodeId, json: &Json) {
    match json {
        Json::Object(members) => {
            let root = document.append_element(parent, Name::local("jsonObject"));
            append_members(document, root, members, DEPTH);
        }
        Json::Array(items) => {
            let root = document.append_element(parent, Name::local("jsonArray"));
            append_items(document, root, "jsonElement", items, DEPTH);
        }
        scalar => {
            let root = document.append_element(parent, Name::local("jsonObject"));
            document.append_text(root, &text_of(scalar));
        }
    }
}

fn append_members(document: &mut Document, parent: NodeId, members: &Map<String, Json>, depth: usize) {
    for (key, value) in members {
        match value {
            Json::Array(items) => append_items(document, parent, key, items, depth),
            _ if key == "$" && !value.is_object() => document.append_text(parent, &text_of(value)),
            _ => match key.strip_prefix('@') {
                Some(name) if !value.is_object() && !name.is_empty() && !name.contains(':') => {
                    document.set_attribute(parent, Name::local(&encode_name(name)), &text_of(value));
                }
                _ => append_member(document, parent, key, value, depth),
            },
        }
    }
}

fn append_member(document: &mut Document, parent: NodeId, key: &str, value: &Json, depth: usize) {
    let element = document.append_element(parent, Name::local(&encode_name(key)));
    let Some(depth) = depth.checked_sub(1) else {
        document.append_text(element, &value.to_string());
        return;
    };
    match value {
        Json::Null => document.set_attribute(element, Name::new("xsi", "nil", XSI), "true"),
        Json::Object(members) => append_members(document, element, members, depth),
        Json::Array(items) => append_items(document, element, "jsonElement", items, depth),
        scalar => document.append_text(element, &text_of(scalar)),
    }
    if value.is_null()
        && let Some(data) = document.element_mut(element)
    {
        data.declarations.push(("xsi".into(), XSI.into()));
    }
}

fn append_items(document: &mut Document, parent: NodeId, key: &str, items: &[Json], depth: usize) {
    let name = encode_name(key);
    document.append(parent, Kind::Instruction("xml-multiple".into(), name.into()));
    for item in items {
        append_member(document, parent, key, item, depth);
    }
}

/// XML as JSON. A document node gives its element; `jsonObject` and `jsonArray` vanish.
pub fn from_xml(document: &Document, node: NodeId) -> Json {
    let top = if node == NodeId::DOCUMENT {
        match document.root() {
            Some(root) => root,
            None => return primitive(&document.text(node)),
        }
    } else {
        node
    };
    if document.element(top).is_none() {
        return primitive(&document.text(top));
    }
    match document.local_name(top) {
        "jsonObject" => content(document, top, DEPTH),
        "jsonArray" => match content(document, top, DEPTH) {
            Json::Object(mut members) => match members.remove("jsonElement") {
                Some(Json::Array(items)) => Json::Array(items),
                Some(other) => Json::Array(vec![other]),
                None => Json::Array(Vec::new()),
            },
            _ => Json::Array(Vec::new()),
        },
        _ => {
            let mut members = Map::new();
            members.insert(name_of(document, top), content(document, top, DEPTH));
            Json::Object(members)
        }
    }
}

fn name_of(document: &Document, id: NodeId) -> String {
    decode_name(document.local_name(id))
}

fn content(document: &Document, id: NodeId, depth: usize) -> Json {
    let Some(element) = document.element(id) else { return Json::Null };
    let nil =
        element.attributes.iter().any(|a| &*a.name.local == "nil" && &*a.name.namespace == XSI && &*a.value == "true");
    if nil {
        return Json::Null;
    }
    let Some(depth) = depth.checked_sub(1) else { return Json::String(document.text(id)) };
    let mut members = Map::new();
    for attribute in &element.attributes {
        if attribute.name.namespace.is_empty() {
            members.insert(format!("@{}", decode_name(&attribute.name.local)), primitive(&attribute.value));
        }
    }
    let mut text = String::new();
    for child in document.children(id) {
        match document.kind(child) {
            Kind::Text(piece) => text.push_str(piece),
            Kind::Instruction(target, name) if &**target == "xml-multiple" => {
                members.entry(decode_name(name)).or_insert_with(|| Json::Array(Vec::new()));
            }
            Kind::Element(_) => add(&mut members, name_of(document, child), content(document, child, depth)),
            _ => {}
        }
    }
    if members.is_empty() {
        return if text.is_empty() { Json::Null } else { primitive(&text) };
    }
    if document.elements(id).next().is_none() && !text.trim().is_empty() {
        members.insert("$".to_owned(), primitive(&text));
    }
    if let Some(Json::Array(items)) = members.get_mut("jsonElement")
        && members_only(document, id)
    {
        return Json::Array(std::mem::take(items));
    }
    Json::Object(members)
}

/// True when the element holds an array inside an array: nothing but `jsonElement` after its instruction.
fn members_only(document: &Document, id: NodeId) -> bool {
    document.local_name(id) != "jsonArray"
        && document.elements(id).all(|child| document.local_name(child) == "jsonElement")
        && document.children(id).any(|child| matches!(document.kind(child), Kind::Instruction(..)))
}

fn add(members: &mut Map<String, Json>, name: String, value: Json) {
    match members.get_mut(&name) {
        Some(Json::Array(items)) => items.push(value),
        Some(known) => {
            let first = std::mem::take(known);
            *known = Json::Array(vec![first, value]);
        }
        None => {
            members.insert(name, value);
        }
    }
}

/// Text as the JSON it looks like. A number that JSON's doubles would change stays text.
pub fn primitive(text: &str) -> Json {
    match text {
        "true" => return Json::Bool(true),
        "false" => return Json::Bool(false),
        _ => {}
    }
    if looks_like_number(text)
        && let Ok(number) = serde_json::from_str::<Number>(text)
    {
        let whole = !text.contains(['.', 'e', 'E']);
        if !whole || number.is_i64() || number.is_u64() {
            return Json::Number(number);
        }
    }
    Json::String(text.to_owned())
}

fn looks_like_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let first = digits.chars().next();
    first.is_some_and(|c| c.is_ascii_digit())
        && (!digits.starts_with('0') || digits.len() == 1 || digits.starts_with("0."))
        && digits.len() <= 64
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
}

/// A member name as an element name: what XML does not allow is encoded as Synapse does.
fn encode_name(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut rest = key;
    if let Some(tail) = key.strip_prefix('$') {
        out.push_str("_JsonReader_PS_");
        rest = tail;
    } else if key.starts_with(|c: char| c.is_ascii_digit()) {
        out.push_str("_JsonReader_PD_");
    } else if key.is_empty() {
        out.push('_');
    }
    for (at, character) in rest.chars().enumerate() {
        let first = at == 0 && out.is_empty();
        if character.is_alphabetic()
            || character == '_'
            || !first && (character.is_alphanumeric() || "-.".contains(character))
        {
            out.push(character);
        } else {
            out.push_str(&format!("_JsonReader_{}_", u32::from(character)));
        }
    }
    out
}

fn decode_name(name: &str) -> String {
    let Some(at) = name.find("_JsonReader_") else { return name.to_owned() };
    let mut out = String::new();
    let mut rest = name;
    let mut next = Some(at);
    while let Some(at) = next {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let tail = tail.strip_prefix("_JsonReader_").unwrap_or(tail);
        match tail.split_once('_') {
            Some(("PS", after)) => {
                out.push('$');
                rest = after;
            }
            Some(("PD", after)) => rest = after,
            Some((code, after)) => {
                match code.parse().ok().and_then(char::from_u32) {
                    Some(character) => out.push(character),
                    None => out.push_str(code),
                }
                rest = after;
            }
            None => rest = tail,
        }
        next = rest.find("_JsonReader_");
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Limits;

    fn round(text: &str) -> Json {
        from_xml(&to_xml(&parse(text).unwrap()), NodeId::DOCUMENT)
    }

    #[test]
    fn json_survives_the_way_through_xml() {
        for text in [
            r#"{"a":1,"b":{"c":"x","d":[1,2,{"e":null}]},"f":[],"g":[[1,2],[3]],"h":true}"#,
            r#"[{"a":1},{"a":2}]"#,
            "[]",
            r#"{"1x":1,"$y":2,"a b":3,"@id":4,"z":5}"#,
        ] {
            assert_eq!(round(text), parse(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn xml_becomes_json_without_namespaces() {
        let text = "<n:a xmlns:n='u' xmlns='v' i='1'><b>1</b><b>x</b><c/><d k='v'>t</d><e>007</e><f>1.5</f></n:a>";
        let document = Document::parse(text, Limits::MESSAGE).unwrap();
        let expected = r#"{"a":{"@i":1,"b":[1,"x"],"c":null,"d":{"@k":"v","$":"t"},"e":"007","f":1.5}}"#;
        assert_eq!(from_xml(&document, NodeId::DOCUMENT).to_string(), expected);
    }

    #[test]
    fn numbers_that_would_change_stay_text() {
        assert_eq!(
            primitive("123456789012345678901234567890"),
            Json::String("123456789012345678901234567890".to_owned())
        );
        assert_eq!(primitive("-0.5"), number(-0.5));
        assert_eq!(primitive("1-2"), Json::String("1-2".to_owned()));
        assert_eq!(primitive(""), Json::String(String::new()));
    }

    #[test]
    fn deep_json_is_bounded() {
        let deep = "[".repeat(120) + &"]".repeat(120);
        assert!(to_xml(&parse(&deep).unwrap()).size() > 100);
    }
}
