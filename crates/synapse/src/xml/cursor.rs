//! A cursor on an element, for reading artifacts.

use std::sync::Arc;

use super::{Document, NodeId};

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// The document.
    pub document: &'a Document,
    /// The element.
    pub id: NodeId,
}

impl<'a> Element<'a> {
    /// The root element of a document.
    pub fn root(document: &'a Document) -> Option<Self> {
        document.root().map(|id| Self { document, id })
    }

    /// Local name.
    pub fn name(self) -> &'a str {
        self.document.local_name(self.id)
    }

    /// Namespace.
    pub fn namespace(self) -> &'a str {
        self.document.namespace(self.id)
    }

    /// Line, from 1.
    pub fn line(self) -> u32 {
        self.document.line(self.id)
    }

    /// An attribute without namespace; surrounding space is kept.
    pub fn attribute(self, name: &str) -> Option<&'a str> {
        self.document.attribute(self.id, name)
    }

    /// An attribute that is there and not blank, trimmed.
    pub fn given(self, name: &str) -> Option<&'a str> {
        self.attribute(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Child elements.
    pub fn children(self) -> impl Iterator<Item = Self> + 'a {
        let document = self.document;
        document.elements(self.id).map(move |id| Self { document, id })
    }

    /// The first child element of a local name.
    pub fn child(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.name() == name)
    }

    /// Child elements of a local name.
    pub fn children_named(self, name: &'a str) -> impl Iterator<Item = Self> + 'a {
        self.children().filter(move |child| child.name() == name)
    }

    /// String value.
    pub fn text(self) -> String {
        self.document.text(self.id)
    }

    /// String value without surrounding space, of a child; none when the child is not there.
    pub fn child_text(self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text().trim().to_owned())
    }

    /// Namespaces in scope: prefix and URI.
    pub fn namespaces(self) -> Vec<(Arc<str>, Arc<str>)> {
        self.document.namespaces(self.id)
    }
}
