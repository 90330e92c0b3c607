//! A side of a mapping as its schema describes it: XML to the objects that the mapping reads, and back.
//!
//! A schema of WSO2's data mapper is JSON Schema with `attributes` beside `properties`, a `title` that names the root, and
//! `namespaces` that give the prefixes of names such as `soapenv:Body`. Scripts spell these `soapenv_Body`; attributes are
//! `attr_name`, the text beside attributes is `_ELEMVAL`, attributes of an element that is text are in `nameATTR`.

use serde_json::{Map, Value as Json};

use crate::flow::Failure;
use crate::json;
use crate::xml::{Document, Name, NodeId};

/// What a script calls the text of an element that has more than text.
const TEXT: &str = "_ELEMVAL";
/// What scripts put before the name of an attribute.
const ATTRIBUTE: &str = "attr_";
/// What scripts put behind the name of an element whose attributes these are.
const ATTRIBUTES: &str = "ATTR";

/// A schema, and the words of the script that works with it.
pub(super) struct Shape<'a> {
    schema: &'a Json,
    title: &'a str,
    /// Prefixes and what they stand for.
    namespaces: Vec<(&'a str, &'a str)>,
    words: Vec<&'a str>,
}

impl<'a> Shape<'a> {
    pub(super) fn new(schema: &'a Json, script: &'a str) -> Self {
        let text = |value: &'a Json, name: &str| value.get(name).and_then(Json::as_str).unwrap_or_default();
        let declared = schema.get("namespaces").and_then(Json::as_array).into_iter().flatten();
        let namespaces = declared.map(|one| (text(one, "prefix"), text(one, "url"))).collect();
        let word = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
        Self { schema, title: text(schema, "title"), namespaces, words: script.split(word).collect() }
    }

    /// The variable that holds the input.
    pub(super) fn variable(&self) -> String {
        format!("input{}", self.spelled(self.title))
    }

    /// What the function of the mapping calls this side.
    pub(super) fn last_name(&self) -> String {
        self.spelled(self.title.rsplit(':').next().unwrap_or_default())
    }

    /// True when the root is a SOAP envelope, not what is in its body.
    pub(super) fn is_envelope(&self) -> bool {
        self.title.rsplit(':').next() == Some("Envelope")
    }

    /// A name of the schema as scripts write it. Hyphens are written as versions of the editor saw fit, so the script tells.
    fn spelled(&self, name: &str) -> String {
        let plain = name.replace([':', '=', ','], "_");
        if !plain.contains('-') {
            return plain;
        }
        let matches = |word: &str| {
            let mut rest = word;
            plain.split('-').enumerate().all(|(index, part)| match rest.find(part) {
                Some(at) if index > 0 || at == 0 => {
                    rest = rest.get(at + part.len()..).unwrap_or_default();
                    true
                }
                _ => false,
            }) && rest.is_empty()
        };
        self.words.iter().find(|word| matches(word)).map_or_else(|| plain.clone(), |word| (*word).to_owned())
    }

    /// The name of an element or attribute as the schema writes it.
    fn in_schema(&self, name: &Name) -> String {
        match self.namespaces.iter().find(|(_, url)| !url.is_empty() && **url == *name.namespace) {
            Some((prefix, _)) => format!("{prefix}:{}", name.local),
            None => name.local.to_string(),
        }
    }

    /// An element as the script sees it.
    pub(super) fn read_xml(&self, document: &Document, node: NodeId) -> Json {
        self.read(document, node, self.schema)
    }

    fn read(&self, document: &Document, node: NodeId, schema: &Json) -> Json {
        if kind(schema) != "object" {
            return scalar(&document.text(node), kind(schema));
        }
        let mut members = self.attributes(document, node, schema);
        let children: Vec<(String, NodeId)> = document
            .elements(node)
            .filter_map(|child| Some((self.in_schema(&document.element(child)?.name), child)))
            .collect();
        let none = Map::new();
        for (name, below) in schema.get("properties").and_then(Json::as_object).unwrap_or(&none) {
            let mut found = children.iter().filter(|(known, _)| known == name).map(|(_, child)| *child);
            let key = self.spelled(name);
            if kind(below) == "array" {
                let all: Vec<Json> = found.map(|child| self.read(document, child, item(below))).collect();
                members.insert(key, Json::Array(all));
            } else if let Some(child) = found.next() {
                let attributes = self.attributes(document, child, below);
                if kind(below) != "object" && !attributes.is_empty() {
                    members.insert(format!("{key}{ATTRIBUTES}"), Json::Object(attributes));
                }
                members.insert(key, self.read(document, child, below));
            }
        }
        if children.is_empty() {
            let text = document.text(node);
            if !text.trim().is_empty() {
                let kind = schema.get("value").map_or("string", kind);
                members.insert(TEXT.to_owned(), scalar(&text, kind));
            }
        }
        Json::Object(members)
    }

    fn attributes(&self, document: &Document, node: NodeId, schema: &Json) -> Map<String, Json> {
        let Some(element) = document.element(node) else { return Map::new() };
        let types = schema.get("attributes");
        let known = element.attributes.iter().map(|attribute| {
            let name = self.in_schema(&attribute.name);
            let kind = types.and_then(|types| types.get(&name)).map_or("string", kind);
            let key = match name.split_once(':') {
                Some((prefix, local)) => format!("{prefix}_{ATTRIBUTE}{}", self.spelled(local)),
                None => format!("{ATTRIBUTE}{}", self.spelled(&name)),
            };
            (key, scalar(&attribute.value, kind))
        });
        known.collect()
    }

    /// What a script made, as the document that the schema names.
    ///
    /// # Errors
    /// Names that XML does not allow.
    pub(super) fn to_xml(&self, value: &Json) -> Result<Document, Failure> {
        let mut document = Document::new();
        let root = document.append_element(NodeId::DOCUMENT, self.name(self.title)?);
        self.write(&mut document, root, value, self.schema)?;
        Ok(document)
    }

    fn name(&self, name: &str) -> Result<Name, Failure> {
        let known = name.split_once(':').or_else(|| name.split_once('_')).and_then(|(prefix, local)| {
            let (_, url) = self.namespaces.iter().find(|(known, _)| *known == prefix)?;
            Some(Name::new(prefix, local, url))
        });
        let name = known.unwrap_or_else(|| Name::local(name));
        let first = |c: char| c.is_alphabetic() || c == '_';
        let rest = |c: char| first(c) || c.is_numeric() || matches!(c, '-' | '.');
        if name.local.starts_with(first) && name.local.chars().all(rest) {
            return Ok(name);
        }
        Err(Failure::new(format!("the data mapper made {:?}, which is not a name of XML", name.local)))
    }

    fn write(&self, document: &mut Document, node: NodeId, value: &Json, schema: &Json) -> Result<(), Failure> {
        let Json::Object(members) = value else {
            if !value.is_null() {
                document.append_text(node, &json::text_of(value));
            }
            return Ok(());
        };
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
        for (key, value) in members {
            if key == TEXT {
                document.append_text(node, &json::text_of(value));
                continue;
            }
            if let Some(name) = attribute_of(key) {
                self.attribute(document, node, &name, value)?;
                continue;
            }
            let beside = key.strip_suffix(ATTRIBUTES).filter(|element| members.contains_key(*element));
            if beside.is_some() {
                continue;
            }
            let known = properties.iter().find(|(name, _)| self.spelled(name) == *key);
            let (name, below) = known.map_or((key.as_str(), &Json::Null), |(name, below)| (name.as_str(), below));
            let items = match value {
                Json::Array(items) => items.as_slice(),
                Json::Null => &[],
                other => std::slice::from_ref(other),
            };
            for one in items {
                let child = document.append_element(node, self.name(name)?);
                if let Some(Json::Object(attributes)) = members.get(&format!("{key}{ATTRIBUTES}")) {
                    for (key, value) in attributes {
                        let name = attribute_of(key).unwrap_or_else(|| key.clone());
                        self.attribute(document, child, &name, value)?;
                    }
                }
                self.write(document, child, one, if kind(below) == "array" { item(below) } else { below })?;
            }
        }
        Ok(())
    }

    fn attribute(&self, document: &mut Document, node: NodeId, name: &str, value: &Json) -> Result<(), Failure> {
        if !value.is_null() {
            document.set_attribute(node, self.name(name)?, &json::text_of(value));
        }
        Ok(())
    }
}

/// The attribute that a key of a script means: `attr_a` is `a`, `p_attr_a` is `p:a`.
fn attribute_of(key: &str) -> Option<String> {
    if let Some(name) = key.strip_prefix(ATTRIBUTE) {
        return Some(name.to_owned());
    }
    let (prefix, name) = key.split_once("_attr_")?;
    Some(format!("{prefix}:{name}"))
}

fn kind(schema: &Json) -> &str {
    match schema.get("type") {
        Some(Json::String(kind)) => kind,
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}

/// The schema of the items of a list, which is written as an object or as a list of one.
fn item(schema: &Json) -> &Json {
    match schema.get("items") {
        Some(Json::Array(items)) => items.first().unwrap_or(&Json::Null),
        Some(item) => item,
        None => &Json::Null,
    }
}

fn scalar(text: &str, kind: &str) -> Json {
    match kind {
        "number" | "integer" => match json::primitive(text.trim()) {
            number @ Json::Number(_) => number,
            _ => Json::String(text.to_owned()),
        },
        "boolean" => Json::Bool(text.trim().eq_ignore_ascii_case("true")),
        "null" => Json::Null,
        _ => Json::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Shape;
    use crate::xml::{Document, Limits, NodeId};

    #[test]
    fn elements_attributes_and_lists_go_both_ways() {
        let schema = json!({
            "title": "p:order", "type": "object", "namespaces": [{"prefix": "p", "url": "urn:p"}],
            "attributes": {"id": {"type": "number"}},
            "properties": {
                "first-name": {"type": "string", "attributes": {"lang": {"type": "string"}}},
                "p:item": {"type": "array", "items": [{"type": "object", "properties": {"n": {"type": "integer"}}}]},
                "paid": {"type": "boolean"}
            }
        });
        let shape = Shape::new(&schema, "x.first$hyphen$name = inputp_order.first$hyphen$name;");
        assert_eq!((shape.variable(), shape.last_name()), ("inputp_order".to_owned(), "order".to_owned()));
        let text = "<p:order xmlns:p=\"urn:p\" id=\"7\"><first-name lang=\"en\">Ann</first-name><p:item><n>1</n></p:item>\
                    <p:item><n>2</n></p:item><paid>true</paid></p:order>";
        let document = Document::parse(text, Limits::MESSAGE).unwrap();
        let read = shape.read_xml(&document, document.root().unwrap());
        assert_eq!(
            read,
            json!({"attr_id": 7, "first$hyphen$nameATTR": {"attr_lang": "en"}, "first$hyphen$name": "Ann",
                   "p_item": [{"n": 1}, {"n": 2}], "paid": true})
        );
        assert_eq!(shape.to_xml(&read).unwrap().write(NodeId::DOCUMENT), text);
        assert!(shape.to_xml(&json!({"a b": 1})).is_err());
        assert_eq!(
            shape.to_xml(&json!({"paid": "</paid><x/>"})).unwrap().write(NodeId::DOCUMENT),
            "<p:order xmlns:p=\"urn:p\"><paid>&lt;/paid&gt;&lt;x/&gt;</paid></p:order>"
        );
    }
}
