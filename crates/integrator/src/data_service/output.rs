//! Results, written as XML or as JSON.

use serde_json::{Map, Number, Value as Json};
use synapse::xml::{Document, Name, NodeId};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// What a value is in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Text,
    Number,
    Boolean,
    /// What it looks like, as Synapse's converter decides.
    Looks,
}

/// Content of a node.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Null,
    Value(String, Scalar),
    Nodes(Vec<Node>),
}

/// An element of XML, a member of JSON.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) content: Content,
    /// True when JSON writes a list even if there is one of this name.
    pub(super) list: bool,
}

impl Node {
    pub(super) fn new(name: &str, namespace: &str, content: Content) -> Self {
        Self { name: name.to_owned(), namespace: namespace.to_owned(), attributes: Vec::new(), content, list: false }
    }
}

/// As XML.
pub(super) fn xml(nodes: &[Node]) -> Document {
    let mut document = Document::new();
    for node in nodes {
        append(&mut document, NodeId::DOCUMENT, node);
    }
    document
}

fn append(document: &mut Document, parent: NodeId, node: &Node) {
    let id = document.append_element(parent, Name::new("", &xml_name(&node.name), &node.namespace));
    for (name, value) in &node.attributes {
        document.set_attribute(id, Name::local(&xml_name(name)), &printable(value));
    }
    match &node.content {
        Content::Null => {
            document.set_attribute(id, Name::new("xsi", "nil", XSI), "true");
            if let Some(element) = document.element_mut(id) {
                element.declarations.push(("xsi".into(), XSI.into()));
            }
        }
        Content::Value(text, _) => document.append_text(id, &printable(text)),
        Content::Nodes(nodes) => nodes.iter().for_each(|node| append(document, id, node)),
    }
}

/// A name that XML can hold.
fn xml_name(name: &str) -> String {
    let mut text: String =
        name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' }).collect();
    if !text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        text.insert(0, '_');
    }
    text
}

/// XML 1.0 section 2.2: what cannot stand in a document becomes the replacement character.
fn printable(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(allowed) {
        return text.to_owned();
    }
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}

/// As JSON.
pub(super) fn json(nodes: &[Node]) -> Json {
    Json::Object(members(nodes))
}

fn members(nodes: &[Node]) -> Map<String, Json> {
    let mut members = Map::new();
    for node in nodes {
        let value = value(node);
        match members.get_mut(&node.name) {
            Some(Json::Array(items)) => items.push(value),
            Some(known) => {
                let first = known.take();
                *known = Json::Array(vec![first, value]);
            }
            None => {
                let value = if node.list { Json::Array(vec![value]) } else { value };
                members.insert(node.name.clone(), value);
            }
        }
    }
    members
}

fn value(node: &Node) -> Json {
    let own = match &node.content {
        Content::Null => Json::Null,
        Content::Value(text, kind) => scalar(text, *kind),
        Content::Nodes(nodes) => Json::Object(members(nodes)),
    };
    if node.attributes.is_empty() {
        return own;
    }
    let mut all: Map<String, Json> =
        node.attributes.iter().map(|(name, text)| (format!("@{name}"), Json::String(text.clone()))).collect();
    match own {
        Json::Object(inner) => all.extend(inner),
        Json::Null => {}
        other => {
            all.insert("$".to_owned(), other);
        }
    }
    Json::Object(all)
}

fn scalar(text: &str, kind: Scalar) -> Json {
    let number = || text.trim().parse::<Number>().ok().map(Json::Number);
    let boolean = || text.trim().parse::<bool>().ok().map(Json::Bool);
    let found = match kind {
        Scalar::Text => None,
        Scalar::Number => number(),
        Scalar::Boolean => boolean(),
        Scalar::Looks => boolean().or_else(number),
    };
    found.unwrap_or_else(|| Json::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Content, Node, Scalar, json, xml};
    use synapse::xml::NodeId;

    fn rows() -> Vec<Node> {
        let cell = |name: &str, text: &str, kind| Node::new(name, "urn:a", Content::Value(text.to_owned(), kind));
        let row = |id: &str| {
            let mut row = Node::new(
                "row",
                "urn:a",
                Content::Nodes(vec![
                    cell("id", id, Scalar::Number),
                    cell("na me", "a<b\u{1}", Scalar::Text),
                    Node::new("none", "urn:a", Content::Null),
                ]),
            );
            row.list = true;
            row
        };
        vec![Node::new("rows", "urn:a", Content::Nodes(vec![row("007"), row("8")]))]
    }

    #[test]
    fn one_tree_two_formats() {
        let nodes = rows();
        let text = xml(&nodes).write(NodeId::DOCUMENT);
        assert!(text.starts_with("<rows xmlns=\"urn:a\"><row><id>007</id><na_me>a&lt;b\u{fffd}</na_me>"), "{text}");
        assert!(text.contains("nil=\"true\""), "{text}");
        // 007 is no number of JSON, so it stays text.
        let expected = serde_json::json!({"rows": {"row": [
            {"id": "007", "na me": "a<b\u{1}", "none": null},
            {"id": 8, "na me": "a<b\u{1}", "none": null},
        ]}});
        assert_eq!(json(&nodes), expected);
    }
}
