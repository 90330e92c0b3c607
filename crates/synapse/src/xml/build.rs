//! Making and changing trees.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Attribute, Document, ElementData, Kind, NOTHING, Name, Node, NodeId};

impl Document {
    /// A document with one element and nothing in it.
    pub fn with_root(name: Name) -> Self {
        let mut document = Self::new();
        document.append_element(NodeId::DOCUMENT, name);
        document
    }

    /// Makes a node the last child of `parent`.
    pub fn append(&mut self, parent: NodeId, kind: Kind) -> NodeId {
        let id = self.fresh(kind);
        self.attach(parent, id, None);
        id
    }

    /// Makes an element the last child; declares its namespace when the prefix does not mean it there.
    pub fn append_element(&mut self, parent: NodeId, name: Name) -> NodeId {
        let known = self.lookup(parent, &name.prefix);
        let needed = known.as_deref().unwrap_or("") != &*name.namespace;
        let declarations =
            if needed { vec![(Arc::clone(&name.prefix), Arc::clone(&name.namespace))] } else { Vec::new() };
        self.append(parent, Kind::Element(Box::new(ElementData { name, attributes: Vec::new(), declarations })))
    }

    /// Makes text the last child; nothing for the empty text.
    pub fn append_text(&mut self, parent: NodeId, text: &str) {
        if !text.is_empty() {
            self.append(parent, Kind::Text(text.into()));
        }
    }

    /// Makes an element with text the last child.
    pub fn append_leaf(&mut self, parent: NodeId, name: Name, text: &str) -> NodeId {
        let id = self.append_element(parent, name);
        self.append_text(id, text);
        id
    }

    /// Sets an attribute.
    pub fn set_attribute(&mut self, id: NodeId, name: Name, value: &str) {
        let Some(element) = self.element_mut(id) else { return };
        match element.attributes.iter_mut().find(|attribute| attribute.name == name) {
            Some(known) => known.value = Arc::from(value),
            None => element.attributes.push(Attribute { name, value: Arc::from(value) }),
        }
    }

    /// Replaces everything below a node by text.
    pub fn set_text(&mut self, id: NodeId, text: &str) {
        self.clear(id);
        self.append_text(id, text);
    }

    /// Detaches every child.
    pub fn clear(&mut self, id: NodeId) {
        while let Some(child) = self.first_child(id) {
            self.detach(child);
        }
    }

    /// Copies a node of another document, with everything below it, to the end of `parent`'s children. A document node
    /// gives its children. Namespaces that the copied names need are declared on the copy.
    pub fn append_copy(&mut self, parent: NodeId, from: &Self, node: NodeId) -> Vec<NodeId> {
        self.insert_copy(parent, None, from, node)
    }

    /// As [`Document::append_copy`], before a child of `parent`.
    pub fn insert_copy(&mut self, parent: NodeId, before: Option<NodeId>, from: &Self, node: NodeId) -> Vec<NodeId> {
        if node == NodeId::DOCUMENT {
            let children: Vec<NodeId> = from.children(node).collect();
            return children.into_iter().flat_map(|child| self.insert_copy(parent, before, from, child)).collect();
        }
        let top = self.fresh(from.kind(node).clone());
        self.set_line(top, from.line(node));
        self.attach(parent, top, before);
        self.adopt_namespaces(top, from, node);
        // In the order of the document, so that the ids of a copy are in that order too.
        let (mut open, mut at) = (vec![(node, top)], node);
        while let Some(next) = from.following_in(at, node) {
            let parent = from.parent(next);
            while open.len() > 1 && open.last().is_some_and(|(source, _)| Some(*source) != parent) {
                open.pop();
            }
            let Some((_, copy)) = open.last().copied() else { break };
            let made = self.append(copy, from.kind(next).clone());
            self.set_line(made, from.line(next));
            open.push((next, made));
            at = next;
        }
        vec![top]
    }

    /// Moves all of another document to the end of `parent`'s children, without a copy. Names have to mean below `parent` what
    /// they meant at the top.
    pub(crate) fn graft(&mut self, parent: NodeId, other: Self) {
        let shift = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let moved = |id: NodeId| if id == NodeId::DOCUMENT { parent } else { NodeId(id.0.saturating_add(shift)) };
        let (first, last) = (other.first_child(NodeId::DOCUMENT), other.last_child(NodeId::DOCUMENT));
        let (Some(first), Some(last)) = (first.map(moved), last.map(moved)) else { return };
        let before = self.last_child(parent);
        self.nodes.extend(other.nodes.into_iter().skip(1).map(|node| Node {
            parent: node.parent.map(moved),
            first: node.first.map(moved),
            last: node.last.map(moved),
            previous: node.previous.map(moved),
            next: node.next.map(moved),
            ..node
        }));
        self.change(first, |node| node.previous = before);
        match before {
            Some(before) => self.change(before, |node| node.next = Some(first)),
            None => self.change(parent, |node| node.first = Some(first)),
        }
        self.change(parent, |node| node.last = Some(last));
    }

    /// A document of its own out of one subtree.
    pub fn extract(&self, node: NodeId) -> Self {
        let mut document = Self::new();
        document.append_copy(NodeId::DOCUMENT, self, node);
        document.compact();
        document
    }

    /// Takes a node out of its parent. Its memory is given back by [`Document::compact`].
    pub fn detach(&mut self, id: NodeId) {
        let (parent, previous, next) = {
            let node = self.node(id);
            (node.parent, node.previous, node.next)
        };
        match previous {
            Some(previous) => self.change(previous, |node| node.next = next),
            None => {
                if let Some(parent) = parent {
                    self.change(parent, |node| node.first = next);
                }
            }
        }
        match next {
            Some(next) => self.change(next, |node| node.previous = previous),
            None => {
                if let Some(parent) = parent {
                    self.change(parent, |node| node.last = previous);
                }
            }
        }
        self.change(id, |node| (node.parent, node.previous, node.next) = (None, None, None));
    }

    /// Makes ids follow document order again and drops detached nodes. Ids held outside become wrong.
    pub fn compact(&mut self) {
        if self.is_compact() {
            return;
        }
        let mut fresh = Self::new();
        // Text that may go on, and its node: joined once, however many pieces it is made of.
        let mut running: Option<(NodeId, String)> = None;
        let mut pending: Vec<(NodeId, NodeId)> = Vec::new();
        self.push_children(NodeId::DOCUMENT, NodeId::DOCUMENT, &mut pending);
        while let Some((source, parent)) = pending.pop() {
            let kind = match self.nodes.get_mut(source.index()) {
                Some(node) => std::mem::replace(&mut node.kind, Kind::Document),
                None => continue,
            };
            if let Kind::Text(text) = &kind
                && let Some((last, before)) = &mut running
                && fresh.last_child(parent) == Some(*last)
            {
                before.push_str(text);
                continue;
            }
            fresh.end_text(running.take());
            let text = if let Kind::Text(text) = &kind { Some(text.to_string()) } else { None };
            let made = fresh.append(parent, kind);
            running = text.map(|text| (made, text));
            fresh.set_line(made, self.line(source));
            self.push_children(source, made, &mut pending);
        }
        fresh.end_text(running);
        *self = fresh;
    }

    fn end_text(&mut self, running: Option<(NodeId, String)>) {
        if let Some((id, text)) = running {
            self.change(id, |node| node.kind = Kind::Text(text.into()));
        }
    }

    /// Whether ids are in the order of the document, no node is detached, and no text follows text.
    fn is_compact(&self) -> bool {
        let mut next = 1;
        for id in self.descendants(NodeId::DOCUMENT) {
            let is_text = |id: NodeId| matches!(self.kind(id), Kind::Text(_));
            if id.index() != next || is_text(id) && self.previous_sibling(id).is_some_and(is_text) {
                return false;
            }
            next += 1;
        }
        next == self.nodes.len()
    }

    fn push_children(&self, of: NodeId, copy: NodeId, pending: &mut Vec<(NodeId, NodeId)>) {
        let mut at = self.last_child(of);
        while let Some(child) = at {
            pending.push((child, copy));
            at = self.previous_sibling(child);
        }
    }

    fn adopt_namespaces(&mut self, copy: NodeId, from: &Self, original: NodeId) {
        if self.element(copy).is_none() {
            return;
        }
        let mut needed = from.namespaces(original);
        if !needed.iter().any(|(prefix, _)| prefix.is_empty()) {
            needed.push((Arc::from(""), Arc::from("")));
        }
        let used = |prefix: &str| {
            std::iter::once(original).chain(from.descendants(original)).any(|id| {
                from.element(id).is_some_and(|element| {
                    &*element.name.prefix == prefix
                        || element.attributes.iter().any(|attribute| {
                            &*attribute.name.prefix == prefix || names_in_value(&attribute.value, prefix)
                        })
                })
            })
        };
        for (prefix, uri) in needed {
            let known = self.lookup(copy, &prefix);
            if known.as_deref().unwrap_or("") == &*uri {
                continue;
            }
            if !used(&prefix) {
                continue;
            }
            if let Some(element) = self.element_mut(copy)
                && !element.declarations.iter().any(|(p, _)| *p == prefix)
            {
                element.declarations.push((prefix, uri));
            }
        }
    }

    fn fresh(&mut self, kind: Kind) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { kind, ..NOTHING.clone() });
        id
    }

    fn set_line(&mut self, id: NodeId, line: u32) {
        self.change(id, |node| node.line = line);
    }

    fn change(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(id.index()) {
            change(node);
        }
    }

    fn attach(&mut self, parent: NodeId, id: NodeId, before: Option<NodeId>) {
        let previous = match before {
            Some(before) => self.previous_sibling(before),
            None => self.last_child(parent),
        };
        self.change(id, |node| (node.parent, node.previous, node.next) = (Some(parent), previous, before));
        match previous {
            Some(previous) => self.change(previous, |node| node.next = Some(id)),
            None => self.change(parent, |node| node.first = Some(id)),
        }
        match before {
            Some(before) => self.change(before, |node| node.previous = Some(id)),
            None => self.change(parent, |node| node.last = Some(id)),
        }
    }
}

/// True for values such as the one of `xsi:type="p:kind"`, which need their prefix as much as a name does.
fn names_in_value(value: &str, prefix: &str) -> bool {
    !prefix.is_empty() && value.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(':'))
}

/// Text as element content: `&`, `<` and `>` escaped.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '\r']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xd;"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}
