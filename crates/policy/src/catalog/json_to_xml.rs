//! Turns a JSON body into XML, the way WSO2 does: the root is `jsonObject` (or `jsonArray` with `jsonElement`s).

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::xml_to_json::is_xml;
use crate::metadata::GATEWAYS;
use crate::xml;
use crate::{Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct JsonToXml;

static METADATA: Metadata = Metadata {
    name: "jsonToXML",
    versions: &["v1", "v2"],
    display_name: "JSON to XML",
    description: "Transforms a JSON body to XML.",
    category: "Mediation",
    applicable_flows: &[Flow::Request, Flow::Response],
    supported_api_types: &["HTTP"],
    supported_gateways: GATEWAYS,
    attributes: &[],
};

impl Policy for JsonToXml {
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
        if body.is_empty() {
            return Decision::Continue;
        }
        if is_xml(message.headers) {
            // XML already. WSO2 reads the body all the same, so the upstream is promised well-formed XML.
            return xml::parse(body).map_or_else(|error| error.refusal(), |_| Decision::Continue);
        }
        if !is_json(message.headers) {
            return Decision::Continue;
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Decision::Respond {
                status: 400,
                code: 102_511,
                message: "Incomplete payload".into(),
                description: "The body is not well-formed JSON.".into(),
            };
        };
        let mut xml = String::with_capacity(body.len() * 2);
        match &value {
            Value::Array(items) => {
                xml.push_str("<jsonArray>");
                items.iter().for_each(|item| element(&mut xml, "jsonElement", item));
                xml.push_str("</jsonArray>");
            }
            other => element(&mut xml, "jsonObject", other),
        }
        *body = xml.into_bytes();
        message.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        message.headers.remove(CONTENT_LENGTH);
        Decision::Continue
    }
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
}

/// Writes one member as element; depth is bounded by the JSON parser (128).
fn element(xml: &mut String, name: &str, value: &Value) {
    if let Value::Array(items) = value {
        items.iter().for_each(|item| element(xml, name, item));
        return;
    }
    let name = element_name(name);
    xml.push('<');
    xml.push_str(&name);
    xml.push('>');
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| element(xml, name, value)),
        Value::String(text) => escape(xml, text),
        Value::Null => {}
        other => escape(xml, &other.to_string()),
    }
    xml.push_str("</");
    xml.push_str(&name);
    xml.push('>');
}

/// A JSON key as XML name: characters that a name cannot have become `_`, so a key like `http://x/y` stays one element.
fn element_name(key: &str) -> String {
    let mut name: String =
        key.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}

fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '\t' | '\n' | '\r' => xml.push(c),
            // Not in XML 1.0's character range, whatever the spelling.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
}
