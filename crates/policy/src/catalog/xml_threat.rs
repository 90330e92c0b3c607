//! Refuses XML bodies beyond structural bounds (WSO2: XML threat protection). Document types and entities are refused
//! whatever the parameters say: they are the attack.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::xml_to_json::is_xml;
use crate::metadata::GATEWAYS;
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct XmlThreat;

const NUMBER: &str = "^[1-9][0-9]{0,8}$";

static METADATA: Metadata = Metadata {
    name: "xmlThreatProtection",
    versions: &["v1"],
    display_name: "XML Threat Protection",
    description: "Refuses XML bodies that are malformed, declare a document type, are nested too deep, or have too many elements.",
    category: "Security",
    applicable_flows: &[Flow::Request],
    supported_api_types: &["HTTP", "SOAP", "SOAPTOREST"],
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text("maxXMLDepth", "Depth", "Deepest nesting of elements", NUMBER).default("32"),
        Attribute::text("maxElementCount", "Elements", "Most elements of a body", NUMBER).default("10000"),
        Attribute::text("maxAttributeCount", "Attributes", "Most attributes of one element", NUMBER).default("100"),
        Attribute::text("maxAttributeLength", "Attribute Length", "Longest value of an attribute, bytes", NUMBER)
            .default("1000"),
        Attribute::text("maxChildrenPerElement", "Children", "Most elements directly inside one", NUMBER)
            .default("1000"),
    ],
};

impl Policy for XmlThreat {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        Ok(Box::new(Bounds {
            depth: parameters.parse("maxXMLDepth")?,
            elements: parameters.parse("maxElementCount")?,
            attributes: parameters.parse("maxAttributeCount")?,
            attribute: parameters.parse("maxAttributeLength")?,
            children: parameters.parse("maxChildrenPerElement")?,
        }))
    }
}

#[derive(Debug)]
struct Bounds {
    depth: usize,
    elements: usize,
    attributes: usize,
    attribute: usize,
    children: usize,
}

impl Step for Bounds {
    fn needs_body(&self) -> bool {
        true
    }

    fn apply(&self, message: &mut Message<'_>) -> Decision {
        let Some(body) = message.body.as_deref() else { return Decision::Continue };
        if body.is_empty() || !is_xml(message.headers) {
            return Decision::Continue;
        }
        match self.check(body) {
            Ok(()) => Decision::Continue,
            Err(reason) => super::threat(reason),
        }
    }
}

impl Bounds {
    fn check(&self, body: &[u8]) -> Result<(), String> {
        let malformed = || "The body is not well-formed XML.".to_owned();
        let text = std::str::from_utf8(body).map_err(|_| "The body is not UTF-8.".to_owned())?;
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        // Children so far of each open element; the first entry is the document itself.
        let mut open = vec![0_usize];
        let mut elements = 0;
        loop {
            let event = reader.read_event().map_err(|_| malformed())?;
            match &event {
                Event::Start(start) | Event::Empty(start) => {
                    elements += 1;
                    if elements > self.elements {
                        return Err(format!("The body has more than {} elements.", self.elements));
                    }
                    let siblings = open.last_mut().ok_or_else(malformed)?;
                    *siblings += 1;
                    if *siblings > self.children {
                        return Err(format!("An element has more than {} children.", self.children));
                    }
                    self.check_attributes(start)?;
                    if open.len() > self.depth {
                        return Err(format!("Elements are nested more than {} deep.", self.depth));
                    }
                    if matches!(event, Event::Start(_)) {
                        open.push(0);
                    }
                }
                Event::End(_) => {
                    open.pop();
                }
                Event::DocType(_) => return Err("Document types are not accepted.".to_owned()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|_| malformed())?.is_some();
                    if !character && quick_xml::escape::resolve_xml_entity(reference).is_none() {
                        return Err("Entities are not accepted.".to_owned());
                    }
                }
                Event::Eof => return if open.len() == 1 && elements > 0 { Ok(()) } else { Err(malformed()) },
                _ => {}
            }
        }
    }

    fn check_attributes(&self, start: &BytesStart<'_>) -> Result<(), String> {
        for (number, attribute) in start.attributes().enumerate() {
            let attribute = attribute.map_err(|_| "An attribute is not well-formed.".to_owned())?;
            if number >= self.attributes {
                return Err(format!("An element has more than {} attributes.", self.attributes));
            }
            if attribute.value.len() > self.attribute {
                return Err(format!("An attribute is longer than {} bytes.", self.attribute));
            }
        }
        Ok(())
    }
}
