//! XML as an arena of nodes: parsed once under caps, changed in place by mediators, walked by XPath.
//!
//! The one XML entry point of the crate (threat model, row 9): no DTD, no entities beyond the five, no external fetch.

mod build;
mod cursor;
mod parse;
mod write;

use std::sync::Arc;

pub use build::escape_text;
pub use cursor::Element;
pub use parse::{Limits, XmlError};

/// Namespace that the prefix `xml` stands for.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// A node of one [`Document`]. Ids are in document order unless nodes were moved; [`Document::compact`] restores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The document node, parent of the root element.
    pub const DOCUMENT: Self = Self(0);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A qualified name. Prefix and namespace are empty when there is none.
#[derive(Clone, Debug, Eq)]
pub struct Name {
    /// Prefix as written.
    pub prefix: Arc<str>,
    /// Local part.
    pub local: Arc<str>,
    /// Namespace URI.
    pub namespace: Arc<str>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.local == other.local && self.namespace == other.namespace
    }
}

impl Name {
    /// A name without prefix and namespace.
    pub fn local(local: &str) -> Self {
        Self { prefix: Arc::from(""), local: Arc::from(local), namespace: Arc::from("") }
    }

    /// A name in a namespace.
    pub fn new(prefix: &str, local: &str, namespace: &str) -> Self {
        Self { prefix: Arc::from(prefix), local: Arc::from(local), namespace: Arc::from(namespace) }
    }

    /// As written: `prefix:local`.
    pub fn qualified(&self) -> String {
        if self.prefix.is_empty() { self.local.to_string() } else { format!("{}:{}", self.prefix, self.local) }
    }
}

/// An attribute; namespace declarations are not attributes here.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Name.
    pub name: Name,
    /// Value with references resolved.
    pub value: Arc<str>,
}

/// What an element carries besides its children.
#[derive(Clone, Debug)]
pub struct ElementData {
    /// Name.
    pub name: Name,
    /// Attributes in the order written.
    pub attributes: Vec<Attribute>,
    /// Namespaces declared on this element: prefix and URI.
    pub declarations: Vec<(Arc<str>, Arc<str>)>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// The parent of everything.
    Document,
    /// An element.
    Element(Box<ElementData>),
    /// Text; neighbouring pieces and CDATA sections are joined.
    Text(Box<str>),
    /// A comment.
    Comment(Box<str>),
    /// A processing instruction: target and data.
    Instruction(Box<str>, Box<str>),
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    parent: Option<NodeId>,
    first: Option<NodeId>,
    last: Option<NodeId>,
    previous: Option<NodeId>,
    next: Option<NodeId>,
    line: u32,
}

static NOTHING: Node =
    Node { kind: Kind::Document, parent: None, first: None, last: None, previous: None, next: None, line: 0 };

/// A document, or a list of nodes below a document node that has more than one child.
#[derive(Clone, Debug)]
pub struct Document {
    nodes: Vec<Node>,
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}

impl Document {
    /// A document node without children.
    pub fn new() -> Self {
        Self { nodes: vec![NOTHING.clone()] }
    }

    /// Number of nodes, detached ones included.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index()).unwrap_or(&NOTHING)
    }

    /// What the node is.
    pub fn kind(&self, id: NodeId) -> &Kind {
        &self.node(id).kind
    }

    /// Line of the source where the node begins, from 1; 0 for nodes that were made.
    pub fn line(&self, id: NodeId) -> u32 {
        self.node(id).line
    }

    /// Parent; none for the document node and detached nodes.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    /// First child.
    pub fn first_child(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).first
    }

    /// Last child.
    pub fn last_child(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).last
    }

    /// Next sibling.
    pub fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).next
    }

    /// Previous sibling.
    pub fn previous_sibling(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).previous
    }

    /// Children in order.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.first_child(id), |child| self.next_sibling(*child))
    }

    /// Child elements in order.
    pub fn elements(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.children(id).filter(|child| self.element(*child).is_some())
    }

    /// The root element.
    pub fn root(&self) -> Option<NodeId> {
        self.elements(NodeId::DOCUMENT).next()
    }

    /// The element's data, when the node is an element.
    pub fn element(&self, id: NodeId) -> Option<&ElementData> {
        match self.kind(id) {
            Kind::Element(data) => Some(data),
            _ => None,
        }
    }

    /// The element's data to change.
    pub fn element_mut(&mut self, id: NodeId) -> Option<&mut ElementData> {
        match self.nodes.get_mut(id.index()).map(|node| &mut node.kind) {
            Some(Kind::Element(data)) => Some(data),
            _ => None,
        }
    }

    /// Local name of an element, else the empty text.
    pub fn local_name(&self, id: NodeId) -> &str {
        self.element(id).map_or("", |element| &element.name.local)
    }

    /// Namespace of an element, else the empty text.
    pub fn namespace(&self, id: NodeId) -> &str {
        self.element(id).map_or("", |element| &element.name.namespace)
    }

    /// True when the node is an element of this name.
    pub fn is(&self, id: NodeId, namespace: &str, local: &str) -> bool {
        self.element(id).is_some_and(|e| &*e.name.local == local && &*e.name.namespace == namespace)
    }

    /// Value of an attribute without namespace.
    pub fn attribute(&self, id: NodeId, local: &str) -> Option<&str> {
        self.element(id)?
            .attributes
            .iter()
            .find(|attribute| &*attribute.name.local == local && attribute.name.namespace.is_empty())
            .map(|attribute| &*attribute.value)
    }

    /// The next node in document order below `top`, not entering anything else.
    pub fn following_in(&self, id: NodeId, top: NodeId) -> Option<NodeId> {
        if let Some(child) = self.first_child(id) {
            return Some(child);
        }
        let mut at = id;
        while at != top {
            if let Some(next) = self.next_sibling(at) {
                return Some(next);
            }
            at = self.parent(at)?;
        }
        None
    }

    /// All nodes below `top` in document order, without `top`.
    pub fn descendants(&self, top: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.following_in(top, top), move |id| self.following_in(*id, top))
    }

    /// String value as XPath 1.0 section 5 defines it.
    pub fn text(&self, id: NodeId) -> String {
        match self.kind(id) {
            Kind::Text(text) | Kind::Comment(text) | Kind::Instruction(_, text) => text.to_string(),
            Kind::Document | Kind::Element(_) => {
                let mut out = String::new();
                for below in self.descendants(id) {
                    if let Kind::Text(text) = self.kind(below) {
                        out.push_str(text);
                    }
                }
                out
            }
        }
    }

    /// What a prefix stands for at this node; the empty prefix is the default namespace.
    pub fn lookup(&self, id: NodeId, prefix: &str) -> Option<Arc<str>> {
        if prefix == "xml" {
            return Some(Arc::from(XML_NAMESPACE));
        }
        let mut at = Some(id);
        while let Some(node) = at {
            if let Some(element) = self.element(node)
                && let Some((_, uri)) = element.declarations.iter().find(|(p, _)| &**p == prefix)
            {
                return Some(Arc::clone(uri));
            }
            at = self.parent(node);
        }
        None
    }

    /// Every namespace in scope at this node, the innermost first.
    pub fn namespaces(&self, id: NodeId) -> Vec<(Arc<str>, Arc<str>)> {
        let mut found: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let mut at = Some(id);
        while let Some(node) = at {
            for (prefix, uri) in self.element(node).map_or(&[][..], |element| &element.declarations) {
                if !found.iter().any(|(known, _)| known == prefix) {
                    found.push((Arc::clone(prefix), Arc::clone(uri)));
                }
            }
            at = self.parent(node);
        }
        found
    }
}

#[cfg(test)]
mod tests;
