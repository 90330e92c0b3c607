//! The parser: quick-xml's events under caps, with namespaces resolved.

use std::collections::HashMap;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Attribute, Document, ElementData, Kind, Name, NodeId, XML_NAMESPACE};

/// Caps of one document. A document beyond one of them is refused, never cut.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Elements inside one another.
    pub depth: usize,
    /// Nodes of all kinds.
    pub nodes: usize,
    /// Attributes and namespace declarations of one element. Bounds the comparison for duplicates too.
    pub attributes: usize,
}

impl Limits {
    /// For artifacts: 16 MiB, 200 levels.
    pub const ARTIFACT: Self = Self { bytes: 16 << 20, depth: 200, nodes: 1_000_000, attributes: 256 };
    /// For messages: 64 MiB, 500 levels.
    pub const MESSAGE: Self = Self { bytes: 64 << 20, depth: 500, nodes: 4_000_000, attributes: 256 };
}

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct XmlError {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub reason: String,
}

impl Document {
    /// Parses a document.
    ///
    /// # Errors
    /// Text that is not well-formed, a DTD, an unknown entity, an undeclared prefix, or a cap.
    pub fn parse(text: &str, limits: Limits) -> Result<Self, XmlError> {
        let text = text.trim_start_matches('\u{feff}');
        if text.len() > limits.bytes {
            return Err(XmlError { line: 1, reason: format!("larger than {} bytes", limits.bytes) });
        }
        // Data that was pasted into artifacts often has space before its declaration.
        let trimmed = text.trim_start();
        let mut parser = Parser {
            document: Self::new(),
            open: vec![NodeId::DOCUMENT],
            names: HashMap::new(),
            recent: Vec::with_capacity(RECENT),
            oldest: 0,
            limits,
            text: trimmed,
            seen: 0,
            line: 1 + u32::try_from(text.get(..text.len() - trimmed.len()).unwrap_or_default().matches('\n').count())
                .unwrap_or(0),
            running: String::new(),
            began: 0,
        };
        parser.run()?;
        Ok(parser.document)
    }

    /// Parses UTF-8 bytes, as [`Document::parse`] does.
    ///
    /// # Errors
    /// Also bytes that are not UTF-8.
    pub fn parse_bytes(bytes: &[u8], limits: Limits) -> Result<Self, XmlError> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let before = bytes.iter().take(e.valid_up_to()).filter(|byte| **byte == b'\n').count();
            XmlError { line: 1 + u32::try_from(before).unwrap_or(0), reason: "not UTF-8".to_owned() }
        })?;
        Self::parse(text, limits)
    }
}

/// Names that are looked for before all others.
const RECENT: usize = 8;

struct Parser<'a> {
    document: Document,
    open: Vec<NodeId>,
    names: HashMap<Box<str>, Arc<str>>,
    recent: Vec<Arc<str>>,
    oldest: usize,
    limits: Limits,
    text: &'a str,
    /// Bytes of which the lines are counted.
    seen: usize,
    line: u32,
    /// Text that may go on, with the line it began in: joined once, however many references it is made of.
    running: String,
    began: u32,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), XmlError> {
        let mut reader = Reader::from_str(self.text);
        reader.config_mut().check_end_names = true;
        loop {
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            self.advance(at);
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    let id = self.start(&start)?;
                    self.open.push(id);
                    if self.open.len() > self.limits.depth {
                        return Err(self.error(format!("nested deeper than {} elements", self.limits.depth)));
                    }
                }
                Ok(Event::Empty(start)) => {
                    self.start(&start)?;
                }
                Ok(Event::End(_)) => {
                    self.end_text()?;
                    self.open.pop();
                }
                Ok(Event::Text(text)) => self.characters(&text.xml10_content())?,
                Ok(Event::CData(data)) => self.characters(&data.xml10_content())?,
                Ok(Event::GeneralRef(reference)) => {
                    let resolved = self.reference(&reference)?;
                    self.characters(&resolved)?;
                }
                Ok(Event::Comment(comment)) => {
                    self.push(Kind::Comment(comment.xml10_content().into()))?;
                }
                Ok(Event::PI(instruction)) => {
                    let data = instruction.content().trim();
                    self.push(Kind::Instruction(instruction.target().into(), data.into()))?;
                }
                Ok(Event::Decl(_)) => {}
                Ok(Event::DocType(_)) => {
                    return Err(self.error("a document type declaration is not allowed".to_owned()));
                }
                Ok(Event::Eof) => break,
                Err(error) => {
                    self.advance(usize::try_from(reader.error_position()).unwrap_or(at));
                    return Err(self.error(format!("not well-formed: {error}")));
                }
            }
        }
        if self.open.len() > 1 {
            let name = self.open.last().map(|id| self.document.local_name(*id).to_owned()).unwrap_or_default();
            return Err(self.error(format!("the element {name} is not closed")));
        }
        match self.document.elements(NodeId::DOCUMENT).count() {
            1 => Ok(()),
            0 => Err(self.error("there is no element".to_owned())),
            _ => Err(self.error("there is more than one root element".to_owned())),
        }
    }

    fn advance(&mut self, to: usize) {
        let skipped = self.text.as_bytes().get(self.seen..to.min(self.text.len())).unwrap_or_default();
        self.line += u32::try_from(skipped.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
        self.seen = self.seen.max(to);
    }

    fn error(&self, reason: String) -> XmlError {
        XmlError { line: self.line, reason }
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        // Documents repeat few names, and most of those soon again.
        if let Some(known) = self.recent.iter().find(|known| ***known == *text) {
            return Arc::clone(known);
        }
        let name = match self.names.get(text) {
            Some(known) => Arc::clone(known),
            None => {
                let fresh: Arc<str> = Arc::from(text);
                self.names.insert(text.into(), Arc::clone(&fresh));
                fresh
            }
        };
        if self.recent.len() < RECENT {
            self.recent.push(Arc::clone(&name));
        } else {
            self.oldest = (self.oldest + 1) % RECENT;
            if let Some(place) = self.recent.get_mut(self.oldest) {
                *place = Arc::clone(&name);
            }
        }
        name
    }

    fn reference(&self, reference: &quick_xml::events::BytesRef<'_>) -> Result<String, XmlError> {
        match reference.resolve_char_ref() {
            Ok(Some(character)) => return Ok(character.to_string()),
            Ok(None) => {}
            Err(error) => return Err(self.error(format!("not well-formed: {error}"))),
        }
        let name: &str = reference;
        quick_xml::escape::resolve_predefined_entity(name)
            .map(str::to_owned)
            .ok_or_else(|| self.error(format!("the entity &{name}; is not declared")))
    }

    fn characters(&mut self, text: &str) -> Result<(), XmlError> {
        let parent = self.open.last().copied().unwrap_or(NodeId::DOCUMENT);
        if parent == NodeId::DOCUMENT {
            if text.trim().is_empty() {
                return Ok(());
            }
            return Err(self.error("there is text outside of the root element".to_owned()));
        }
        if text.is_empty() {
            return Ok(());
        }
        if self.running.is_empty() {
            self.began = self.line;
        }
        self.running.push_str(text);
        Ok(())
    }

    fn end_text(&mut self) -> Result<(), XmlError> {
        if self.running.is_empty() {
            return Ok(());
        }
        let kind = Kind::Text(self.running.as_str().into());
        self.running.clear();
        self.add(kind, self.began).map(|_| ())
    }

    fn push(&mut self, kind: Kind) -> Result<NodeId, XmlError> {
        self.end_text()?;
        self.add(kind, self.line)
    }

    fn add(&mut self, kind: Kind, line: u32) -> Result<NodeId, XmlError> {
        if self.document.size() >= self.limits.nodes {
            return Err(self.error(format!("more than {} nodes", self.limits.nodes)));
        }
        let parent = self.open.last().copied().unwrap_or(NodeId::DOCUMENT);
        let id = self.document.append(parent, kind);
        if let Some(node) = self.document.nodes.get_mut(id.index()) {
            node.line = line;
        }
        Ok(id)
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<NodeId, XmlError> {
        let mut raw: Vec<(String, Arc<str>)> = Vec::new();
        let mut declarations: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| self.error(format!("not well-formed: {e}")))?;
            if raw.len() + declarations.len() >= self.limits.attributes {
                return Err(self.error(format!("more than {} attributes", self.limits.attributes)));
            }
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|e| self.error(format!("not well-formed: {e}")))?;
            let key: &str = attribute.key.as_ref();
            if key == "xmlns" {
                let uri = self.intern(&value);
                declarations.push((self.intern(""), uri));
            } else if let Some(prefix) = key.strip_prefix("xmlns:") {
                let uri = self.intern(&value);
                declarations.push((self.intern(prefix), uri));
            } else {
                raw.push((key.to_owned(), Arc::from(&*value)));
            }
        }
        let qualified: &str = start.name().0;
        let (prefix, local) = qualified.split_once(':').unwrap_or(("", qualified));
        let namespace = self.namespace(prefix, &declarations, true)?;
        let name = Name { prefix: self.intern(prefix), local: self.intern(local), namespace };
        let mut attributes: Vec<Attribute> = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let (prefix, local) = key.split_once(':').unwrap_or(("", &key));
            let namespace = self.namespace(prefix, &declarations, false)?;
            let name = Name { prefix: self.intern(prefix), local: self.intern(local), namespace };
            if attributes.iter().any(|known| known.name == name) {
                return Err(self.error(format!("the attribute {key} is there twice")));
            }
            attributes.push(Attribute { name, value });
        }
        self.push(Kind::Element(Box::new(ElementData { name, attributes, declarations })))
    }

    fn namespace(
        &mut self,
        prefix: &str,
        declared: &[(Arc<str>, Arc<str>)],
        of_element: bool,
    ) -> Result<Arc<str>, XmlError> {
        if prefix.is_empty() && !of_element {
            return Ok(self.intern(""));
        }
        if prefix == "xml" {
            return Ok(self.intern(XML_NAMESPACE));
        }
        if let Some((_, uri)) = declared.iter().find(|(known, _)| &**known == prefix) {
            return Ok(Arc::clone(uri));
        }
        let open = self.open.last().copied().unwrap_or(NodeId::DOCUMENT);
        match self.document.lookup(open, prefix) {
            Some(uri) => Ok(uri),
            None if prefix.is_empty() => Ok(self.intern("")),
            None => Err(self.error(format!("the namespace prefix {prefix} is not declared"))),
        }
    }
}
