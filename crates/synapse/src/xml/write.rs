//! Trees to text.

use std::sync::Arc;

use super::build::escape_text;
use super::{Document, Kind, NodeId};

enum Step {
    Open(NodeId),
    Close(NodeId),
}

impl Document {
    /// The node and everything below it as text, without XML declaration. Prefixes that are used but not declared
    /// below the node are declared on it.
    pub fn write(&self, id: NodeId) -> String {
        let mut out = String::new();
        if id == NodeId::DOCUMENT {
            for child in self.children(id) {
                self.write_into(child, &mut out);
            }
        } else {
            self.write_into(id, &mut out);
        }
        out
    }

    /// The children of a node as text.
    pub fn write_inner(&self, id: NodeId) -> String {
        let mut out = String::new();
        for child in self.children(id) {
            self.write_into(child, &mut out);
        }
        out
    }

    fn write_into(&self, top: NodeId, out: &mut String) {
        let mut pending = vec![Step::Open(top)];
        while let Some(step) = pending.pop() {
            match step {
                Step::Close(id) => {
                    out.push_str("</");
                    self.write_name(id, out);
                    out.push('>');
                }
                Step::Open(id) => match self.kind(id) {
                    Kind::Document => {}
                    Kind::Text(text) => out.push_str(&escape_text(text)),
                    Kind::Comment(text) => {
                        out.push_str("<!--");
                        out.push_str(text);
                        out.push_str("-->");
                    }
                    Kind::Instruction(target, data) => {
                        out.push_str("<?");
                        out.push_str(target);
                        if !data.is_empty() {
                            out.push(' ');
                            out.push_str(data);
                        }
                        out.push_str("?>");
                    }
                    Kind::Element(_) => {
                        self.write_start(id, id == top, out);
                        if self.first_child(id).is_some() {
                            out.push('>');
                            pending.push(Step::Close(id));
                            let mut at = self.last_child(id);
                            while let Some(child) = at {
                                pending.push(Step::Open(child));
                                at = self.previous_sibling(child);
                            }
                        } else {
                            out.push_str("/>");
                        }
                    }
                },
            }
        }
    }

    fn write_name(&self, id: NodeId, out: &mut String) {
        if let Some(element) = self.element(id) {
            if !element.name.prefix.is_empty() {
                out.push_str(&element.name.prefix);
                out.push(':');
            }
            out.push_str(&element.name.local);
        }
    }

    fn write_start(&self, id: NodeId, top: bool, out: &mut String) {
        let Some(element) = self.element(id) else { return };
        out.push('<');
        self.write_name(id, out);
        let mut declared: Vec<(Arc<str>, Arc<str>)> = element.declarations.clone();
        if top && let Some(parent) = self.parent(id) {
            let inherited = self.namespaces(parent);
            for (prefix, uri) in inherited {
                let own = declared.iter().any(|(p, _)| *p == prefix);
                if !own && !uri.is_empty() && self.uses(id, &prefix) {
                    declared.push((prefix, uri));
                }
            }
        }
        for (prefix, uri) in &declared {
            // <a xmlns=""> says nothing where no default namespace is in scope.
            if prefix.is_empty() && uri.is_empty() && !self.has_default_above(id, top) {
                continue;
            }
            out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            out.push_str(prefix);
            out.push_str("=\"");
            push_attribute(uri, out);
            out.push('"');
        }
        for attribute in &element.attributes {
            out.push(' ');
            if !attribute.name.prefix.is_empty() {
                out.push_str(&attribute.name.prefix);
                out.push(':');
            }
            out.push_str(&attribute.name.local);
            out.push_str("=\"");
            push_attribute(&attribute.value, out);
            out.push('"');
        }
    }

    fn has_default_above(&self, id: NodeId, top: bool) -> bool {
        if top {
            return false;
        }
        self.parent(id).and_then(|parent| self.lookup(parent, "")).is_some_and(|uri| !uri.is_empty())
    }

    fn uses(&self, top: NodeId, prefix: &str) -> bool {
        std::iter::once(top).chain(self.descendants(top)).any(|id| {
            self.element(id).is_some_and(|element| {
                &*element.name.prefix == prefix
                    || element.attributes.iter().any(|attribute| &*attribute.name.prefix == prefix)
            })
        })
    }
}

fn push_attribute(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#xa;"),
            '\t' => out.push_str("&#x9;"),
            '\r' => out.push_str("&#xd;"),
            other => out.push(other),
        }
    }
}
