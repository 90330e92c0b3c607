//! XML bodies as a tree, read strictly: no document types, no entities but the five predefined ones and characters by
//! number, bounded depth.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use crate::Decision;

/// WSO2's code of a body that its message builder cannot read.
pub const UNREADABLE_BODY: u32 = 601_000;

/// Deepest nesting; as deep as the JSON parser goes.
const MAX_DEPTH: usize = 128;

/// One element. Names are without their prefixes, namespace declarations are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// All text directly inside, with blanks around it only if there are no children.
    pub(crate) text: String,
}

/// Why a body is not acceptable XML; the text is for the client.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    /// In the words of WSO2's parser, which its clients look for.
    #[error("Unexpected EOF; was expecting a close tag for element <{0}>")]
    Unclosed(String),
    #[error("there is no element")]
    Empty,
    #[error("document types and entities are not accepted")]
    DocumentType,
    #[error("elements are nested more than {MAX_DEPTH} deep")]
    Deep,
    #[error("there is content outside the root element")]
    Outside,
    #[error("the text is not UTF-8")]
    Encoding,
    #[error("{0}")]
    Malformed(String),
}

impl XmlError {
    /// WSO2's answer to a body that its message builder cannot read: 500, code 601000.
    pub(crate) fn refusal(&self) -> Decision {
        Decision::Respond {
            status: 500,
            code: UNREADABLE_BODY,
            message: "Runtime Error".into(),
            description: format!("The body is not well-formed XML: {self}").into(),
        }
    }
}

/// Reads a whole document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Element, XmlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Encoding)?;
    let malformed = |error: &dyn std::fmt::Display| XmlError::Malformed(error.to_string());
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                if root.is_some() {
                    return Err(XmlError::Outside);
                }
                if open.len() >= MAX_DEPTH {
                    return Err(XmlError::Deep);
                }
                open.push(element(&start)?);
            }
            Ok(Event::Empty(start)) if root.is_none() => close(element(&start)?, &mut open, &mut root),
            Ok(Event::Empty(_)) => return Err(XmlError::Outside),
            Ok(Event::End(_)) => match open.pop() {
                Some(done) => close(done, &mut open, &mut root),
                None => return Err(XmlError::Outside),
            },
            Ok(Event::Text(text)) => match open.last_mut() {
                Some(parent) => parent.text.push_str(&text),
                None if text.trim().is_empty() => {}
                None => return Err(XmlError::Outside),
            },
            Ok(Event::CData(text)) => open.last_mut().ok_or(XmlError::Outside)?.text.push_str(&text),
            Ok(Event::GeneralRef(reference)) => {
                let parent = open.last_mut().ok_or(XmlError::Outside)?;
                match reference.resolve_char_ref().map_err(|e| malformed(&e))? {
                    Some(character) => parent.text.push(character),
                    None => parent.text.push_str(resolve_xml_entity(&reference).ok_or(XmlError::DocumentType)?),
                }
            }
            Ok(Event::DocType(_)) => return Err(XmlError::DocumentType),
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_)) => {}
            Ok(Event::Eof) => {
                return match open.pop() {
                    Some(unclosed) => Err(XmlError::Unclosed(unclosed.name)),
                    None => root.ok_or(XmlError::Empty),
                };
            }
            Err(error) => return Err(malformed(&error)),
        }
    }
}

fn close(mut done: Element, open: &mut [Element], root: &mut Option<Element>) {
    if !done.children.is_empty() {
        done.text = done.text.trim().to_owned();
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = Some(done),
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| XmlError::Malformed(e.to_string()))?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| XmlError::Malformed(e.to_string()))?;
        element.attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    Ok(element)
}
