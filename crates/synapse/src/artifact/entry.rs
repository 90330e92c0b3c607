//! Local entries.

use std::sync::Arc;

use crate::compile::Compiler;
use crate::xml::{Document, Element, NodeId};

/// A named text, piece of XML, or address of one.
#[derive(Clone, Debug)]
pub struct LocalEntry {
    /// Key.
    pub key: String,
    /// What it holds.
    pub source: Source,
}

/// What an entry holds.
#[derive(Clone, Debug)]
pub enum Source {
    /// Text.
    Text(String),
    /// XML: one element below the document node.
    Xml(Arc<Document>),
    /// A URL or path, resolved by the host.
    Url(String),
}

pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<LocalEntry> {
    let key = compiler.required(element, "key")?;
    if let Some(url) = element.given("src") {
        return Some(LocalEntry { key, source: Source::Url(url.to_owned()) });
    }
    let inner = element.children().find(|child| child.name() != "description");
    let source = match inner {
        Some(child) => Source::Xml(Arc::new(child.document.extract(child.id))),
        None => {
            let text: String = element
                .document
                .children(element.id)
                .filter(|id| element.document.element(*id).is_none())
                .filter_map(|id| match element.document.kind(id) {
                    crate::xml::Kind::Text(text) => Some(text.to_string()),
                    _ => None,
                })
                .collect();
            Source::Text(text.trim().to_owned())
        }
    };
    Some(LocalEntry { key, source })
}

impl LocalEntry {
    /// Text of a child of the entry's element, as in the connection of a connector.
    pub(crate) fn child_text(&self, name: &str) -> Option<String> {
        let Source::Xml(document) = &self.source else { return None };
        let root = document.elements(NodeId::DOCUMENT).next()?;
        let child = document.elements(root).find(|id| document.local_name(*id) == name)?;
        Some(document.text(child).trim().to_owned()).filter(|text| !text.is_empty())
    }
}
