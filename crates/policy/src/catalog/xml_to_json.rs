//! Turns an XML body into JSON, the way WSO2 does: the root element is a member of the object, unless it is one of the
//! names that stand for an anonymous object or array; siblings of one name become an array; attributes are `@name`, text
//! beside them is `$`; text that reads as a number or literal is one.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Number, Value};

use crate::metadata::GATEWAYS;
use crate::xml::{self, Element};
use crate::{Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct XmlToJson;

static METADATA: Metadata = Metadata {
    name: "xmlToJson",
    versions: &["v1"],
    display_name: "XML To JSON",
    description: "Transforms an XML body to JSON.",
    category: "Mediation",
    applicable_flows: &[Flow::Request, Flow::Response],
    supported_api_types: &["HTTP"],
    supported_gateways: GATEWAYS,
    attributes: &[],
};

impl Policy for XmlToJson {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, _: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        Ok(Box::new(Compiled))
    }
}

#[derive(Debug)]
struct Compiled;

impl Step for Compiled {
    fn needs_body(&self) -> bool {
        true
    }

    fn apply(&self, message: &mut Message<'_>) -> Decision {
        let Some(body) = message.body.as_deref_mut() else { return Decision::Continue };
        if body.is_empty() || !is_xml(message.headers) {
            return Decision::Continue;
        }
        let root = match xml::parse(body) {
            Ok(root) => root,
            Err(error) => return error.refusal(),
        };
        let mut json = String::with_capacity(body.len());
        match root.name.as_str() {
            "jsonObject" => value(&mut json, &root),
            "jsonArray" => array(&mut json, root.children.iter().filter(|c| c.name == "jsonElement")),
            _ => {
                json.push('{');
                text(&mut json, &root.name);
                json.push(':');
                value(&mut json, &root);
                json.push('}');
            }
        }
        *body = json.into_bytes();
        message.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        message.headers.remove(CONTENT_LENGTH);
        Decision::Continue
    }
}

pub(super) fn is_xml(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("xml"))
}

fn array<'a>(json: &mut String, items: impl Iterator<Item = &'a Element>) {
    json.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            json.push(',');
        }
        value(json, item);
    }
    json.push(']');
}

/// Writes what an element holds; depth is bounded by the XML reader.
fn value(json: &mut String, element: &Element) {
    if element.attributes.is_empty() && element.children.is_empty() {
        return literal(json, &element.text);
    }
    json.push('{');
    let mut first = true;
    let mut member = |json: &mut String, name: &str| {
        if !std::mem::take(&mut first) {
            json.push(',');
        }
        text(json, name);
        json.push(':');
    };
    for (name, content) in &element.attributes {
        member(json, &format!("@{name}"));
        text(json, content);
    }
    // Members in the order of the first element of each name.
    let mut groups: Vec<(&str, Vec<&Element>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for child in &element.children {
        let place = *places.entry(child.name.as_str()).or_insert_with(|| {
            groups.push((&child.name, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(place) {
            group.push(child);
        }
    }
    for (name, group) in &groups {
        member(json, name);
        match group.as_slice() {
            [only] => value(json, only),
            several => array(json, several.iter().copied()),
        }
    }
    if !element.text.is_empty() {
        member(json, "$");
        literal(json, &element.text);
    }
    json.push('}');
}

/// Text as the number or literal it reads as, if writing that again gives the same text.
fn literal(json: &mut String, content: &str) {
    let number = content.parse::<Number>().is_ok_and(|number| number.to_string() == content);
    if number || matches!(content, "true" | "false" | "null") {
        json.push_str(content);
    } else {
        text(json, content);
    }
}

fn text(json: &mut String, content: &str) {
    json.push_str(&Value::from(content).to_string());
}
