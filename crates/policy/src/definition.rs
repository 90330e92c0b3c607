//! Custom policies: WSO2 keeps their meaning as a templated Synapse sequence. The part of that language which is header
//! work is translated to the catalogue's own policies; anything else is refused by name, so that a policy never runs
//! half.

use model::snapshot::PolicyUse;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::Value;
use std::collections::BTreeMap;

/// Largest definition, bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Most elements of a definition.
const MAX_ELEMENTS: usize = 64;

/// Why a definition is refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DefinitionError {
    /// Not well-formed, with a document type, or beyond the caps (64 KiB, 64 elements).
    #[error("the policy definition is not an acceptable XML sequence: {0}")]
    Xml(String),
    /// A mediator, attribute or template construct that has no counterpart.
    #[error("the policy definition uses {0}, which the gateway does not support")]
    Unsupported(String),
}

/// Translates a definition and the parameters of one use to uses of catalogue policies, in order.
///
/// Understood are, inside one `sequence`: `header` and `property` with scope `transport` and a `value` (set) or
/// `action="remove"`; `property` of other scopes, which changes nothing on the wire; `{{name}}` in values. A header whose
/// value is empty after substitution is left out: its parameter is optional and absent.
///
/// # Errors
/// [`DefinitionError`].
pub fn translate(definition: &str, parameters: &BTreeMap<String, Value>) -> Result<Vec<PolicyUse>, DefinitionError> {
    let wrong = |reason: &dyn std::fmt::Display| DefinitionError::Xml(reason.to_string());
    if definition.len() > MAX_BYTES {
        return Err(wrong(&"it is larger than 64 KiB"));
    }
    if definition.contains("{%") {
        return Err(DefinitionError::Unsupported("template statements ({% ... %})".into()));
    }
    let mut reader = Reader::from_str(definition);
    let (mut uses, mut depth, mut elements) = (Vec::new(), 0_usize, 0_usize);
    loop {
        let event = reader.read_event().map_err(|e| wrong(&e))?;
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                elements += 1;
                if elements > MAX_ELEMENTS {
                    return Err(wrong(&"it has more than 64 elements"));
                }
                let sequence = depth == 0 && element.local_name().as_ref() == "sequence";
                if !sequence {
                    if depth != 1 {
                        return Err(unsupported(element, "here"));
                    }
                    uses.extend(mediator(element, parameters)?);
                }
                if matches!(event, Event::Start(_)) {
                    depth += 1;
                }
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(_) | Event::GeneralRef(_) => return Err(wrong(&"document types and entities are refused")),
            Event::CData(_) => return Err(DefinitionError::Unsupported("text content".into())),
            Event::Text(text) if !text.trim().is_empty() => {
                return Err(DefinitionError::Unsupported("text content".into()));
            }
            Event::Text(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if elements == 0 || depth > 0 => return Err(wrong(&"it is empty or breaks off")),
            Event::Eof => return Ok(uses),
        }
    }
}

fn unsupported(element: &BytesStart<'_>, what: &str) -> DefinitionError {
    let name = element.local_name().as_ref().to_owned();
    DefinitionError::Unsupported(format!("<{name}> {what}"))
}

fn mediator(
    element: &BytesStart<'_>,
    parameters: &BTreeMap<String, Value>,
) -> Result<Option<PolicyUse>, DefinitionError> {
    let is_header = match element.local_name().as_ref() {
        "header" => true,
        "property" => false,
        _ => return Err(unsupported(element, "as a mediator")),
    };
    let mut attributes = BTreeMap::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|e| DefinitionError::Xml(e.to_string()))?;
        let name = attribute.key.local_name().as_ref().to_owned();
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| DefinitionError::Xml(e.to_string()))?;
        attributes.insert(name, value.into_owned());
    }
    let text = |name: &str| attributes.get(name).map(String::as_str);
    if text("scope") != Some("transport") {
        // A property of another scope is a variable of the sequence; a header without scope belongs to SOAP or is `To`.
        return if is_header { Err(unsupported(element, "without scope=\"transport\"")) } else { Ok(None) };
    }
    let name = substitute(text("name").unwrap_or_default(), parameters)?;
    let r#use = |policy: &str, pairs: &[(&str, &str)]| PolicyUse {
        name: policy.into(),
        version: String::new(),
        parameters: pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect(),
    };
    match (text("action").unwrap_or("set"), text("value")) {
        ("remove", _) => Ok(Some(r#use("removeHeader", &[("headerName", &name)]))),
        ("set", Some(value)) => {
            let value = substitute(value, parameters)?;
            let set = r#use("setHeader", &[("headerName", &name), ("headerValue", &value)]);
            Ok(Some(set).filter(|_| !value.is_empty()))
        }
        _ => Err(unsupported(element, "with an expression")),
    }
}

/// Replaces `{{name}}` by parameters; happens after the XML is parsed, so a value cannot become an element.
fn substitute(text: &str, parameters: &BTreeMap<String, Value>) -> Result<String, DefinitionError> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("{{") {
        let (name, after) = tail.split_once("}}").ok_or_else(|| DefinitionError::Unsupported("an open {{".into()))?;
        let name = name.trim();
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(DefinitionError::Unsupported("template expressions other than {{name}}".into()));
        }
        out.push_str(before);
        match parameters.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) => out.push_str(value),
            Some(other) => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{DefinitionError, translate};
    use crate::{Flow, compile};
    use serde_json::json;
    use std::collections::BTreeMap;

    fn sequence(body: &str) -> String {
        format!("<sequence xmlns=\"http://ws.apache.org/ns/synapse\" name=\"x\">\n{body}\n</sequence>")
    }

    #[test]
    fn header_work_is_translated() {
        let parameters: BTreeMap<_, _> =
            serde_json::from_value(json!({"key": "a\"/><script/>&", "n": 7})).expect("an object");
        let definition = sequence(
            "<!-- why --><header name=\"x-a\" value=\"1\" scope=\"transport\"/>\
             <property action=\"set\" name=\"x-b\" value=\"{{key}}-{{ n }}\" scope=\"transport\"/>\
             <property name=\"x-c\" value=\"{{absent}}\" scope=\"transport\"/>\
             <property name=\"v\" expression=\"json-eval($.p)\" scope=\"default\" type=\"STRING\"/>\
             <header name=\"x-d\" action=\"remove\" scope=\"transport\"/>",
        );
        let uses = translate(&definition, &parameters).unwrap();
        let texts: Vec<String> =
            uses.iter().map(|u| format!("{} {}", u.name, serde_json::to_string(&u.parameters).unwrap())).collect();
        assert_eq!(
            texts,
            [
                r#"setHeader {"headerName":"x-a","headerValue":"1"}"#,
                r#"setHeader {"headerName":"x-b","headerValue":"a\"/><script/>&-7"}"#,
                r#"removeHeader {"headerName":"x-d"}"#,
            ]
        );
        assert!(uses.iter().all(|u| compile(u, Flow::Request).is_ok()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let none = BTreeMap::new();
        for body in [
            "<script language=\"js\"><![CDATA[1]]></script>",
            "<header name=\"To\" expression=\"get-property('x')\"/>",
            "<header name=\"x\" expression=\"$ctx:a\" scope=\"transport\"/>",
            "<filter><then><drop/></then></filter>",
            "text",
            "<header name=\"x\" value=\"{{a|b}}\" scope=\"transport\"/>",
            "{% if a %}<drop/>{% endif %}",
        ] {
            assert!(matches!(translate(&sequence(body), &none), Err(DefinitionError::Unsupported(_))), "{body}");
        }
        let bomb = "<!DOCTYPE s [<!ENTITY a \"aaaa\">]><sequence><header name=\"x\" value=\"&a;\" scope=\"transport\"/></sequence>";
        for text in [bomb, "", "<sequence>", "<sequence></other>", &sequence(&"<property name=\"a\"/>".repeat(100))] {
            assert!(translate(text, &none).is_err(), "{text:.60}");
        }
        assert!(translate(&" ".repeat(70_000), &none).is_err());
    }
}
