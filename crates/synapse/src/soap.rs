//! SOAP envelopes.

use std::sync::Arc;

use crate::xml::{Document, Kind, Name, NodeId};

/// Namespace of SOAP 1.1 envelopes.
pub const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// Namespace of SOAP 1.2 envelopes.
pub const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// A version of SOAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.1
    Soap11,
    /// 1.2
    Soap12,
}

impl Version {
    /// Namespace of the envelope.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Soap11 => SOAP11,
            Self::Soap12 => SOAP12,
        }
    }
}

/// True for a namespace of envelopes.
pub fn is_envelope(namespace: &str) -> bool {
    namespace == SOAP11 || namespace == SOAP12
}

/// An envelope with an empty body.
pub fn envelope(version: Version) -> Document {
    let name = |local: &str| Name::new("soapenv", local, version.namespace());
    let mut document = Document::with_root(name("Envelope"));
    if let Some(root) = document.root() {
        document.append_element(root, name("Body"));
    }
    document
}

/// Puts plain XML into an envelope; an envelope stays.
pub fn wrap(document: Document, version: Version) -> Document {
    let is = document
        .root()
        .is_some_and(|root| document.local_name(root) == "Envelope" && is_envelope(document.namespace(root)));
    if is {
        return document;
    }
    let mut wrapped = envelope(version);
    if let Some(body) = body_of(&wrapped) {
        // The envelope declares one prefix, and what was a document declares every prefix that it uses.
        wrapped.graft(body, document);
    }
    wrapped
}

/// The version of an envelope; 1.1 for anything else.
pub fn version_of(document: &Document) -> Version {
    match document.root().map(|root| document.namespace(root)) {
        Some(SOAP12) => Version::Soap12,
        _ => Version::Soap11,
    }
}

/// The element `Body`.
pub fn body_of(document: &Document) -> Option<NodeId> {
    part(document, "Body")
}

/// The element `Header`.
pub fn header_of(document: &Document) -> Option<NodeId> {
    part(document, "Header")
}

/// The element `Header`, made when it is missing.
pub fn header_mut(document: &mut Document) -> Option<NodeId> {
    if let Some(header) = header_of(document) {
        return Some(header);
    }
    let root = document.root()?;
    let name = document.element(root)?.name.clone();
    let first = document.first_child(root);
    let mut fresh = Document::new();
    let made = fresh.append_element(NodeId::DOCUMENT, Name { local: Arc::from("Header"), ..name });
    let header = document.insert_copy(root, first, &fresh, made).first().copied();
    document.compact();
    header_of(document).or(header)
}

/// The first element of the body.
pub fn payload_of(document: &Document) -> Option<NodeId> {
    document.elements(body_of(document)?).next()
}

/// The envelope as text in a version; namespaces and the names of fault parts are changed when it is of the other one.
pub fn convert(document: &Document, version: Version) -> String {
    if version_of(document) == version {
        return document.write(NodeId::DOCUMENT);
    }
    let mut copy = document.clone();
    let ids: Vec<NodeId> = copy.descendants(NodeId::DOCUMENT).collect();
    for id in ids {
        let Some(element) = copy.element_mut(id) else { continue };
        let namespace: Arc<str> = Arc::from(version.namespace());
        if is_envelope(&element.name.namespace) {
            element.name.namespace = Arc::clone(&namespace);
        }
        for (_, uri) in &mut element.declarations {
            if is_envelope(uri) {
                *uri = Arc::clone(&namespace);
            }
        }
        for attribute in &mut element.attributes {
            if is_envelope(&attribute.name.namespace) {
                attribute.name.namespace = Arc::clone(&namespace);
            }
        }
    }
    convert_fault(&mut copy, version);
    copy.write(NodeId::DOCUMENT)
}

/// What a fault says.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// Local part of the code, as in `Server` or `Receiver`.
    pub code: String,
    /// Reason.
    pub reason: String,
    /// SOAP 1.1 `faultactor`, SOAP 1.2 `Node`.
    pub node: String,
    /// SOAP 1.2 `Role`.
    pub role: String,
    /// Inner XML of the detail.
    pub detail: Option<Arc<Document>>,
}

/// Reads a fault of either version.
pub fn read_fault(document: &Document) -> Option<Fault> {
    let fault = payload_of(document).filter(|id| document.local_name(*id) == "Fault")?;
    let child = |names: [&str; 2]| document.elements(fault).find(|id| names.contains(&document.local_name(*id)));
    let text = |names| child(names).map(|id| document.text(id).trim().to_owned()).unwrap_or_default();
    let code = text(["faultcode", "Code"]);
    let local = code.rsplit(':').next().unwrap_or_default().to_owned();
    let detail = child(["detail", "Detail"]).map(|id| {
        let mut list = Document::new();
        for below in document.children(id) {
            list.append_copy(NodeId::DOCUMENT, document, below);
        }
        Arc::new(list)
    });
    let reason = text(["faultstring", "Reason"]);
    Some(Fault { code: local, reason, node: text(["faultactor", "Node"]), role: text(["Role", "Role"]), detail })
}

/// Writes a fault as the payload of an envelope.
pub fn fault_envelope(version: Version, fault: &Fault) -> Document {
    let mut document = envelope(version);
    if let Some(body) = body_of(&document) {
        append_fault(&mut document, body, version, fault);
    }
    document
}

fn append_fault(document: &mut Document, body: NodeId, version: Version, fault: &Fault) {
    let soap = |local: &str| Name::new("soapenv", local, version.namespace());
    let top = document.append_element(body, soap("Fault"));
    match version {
        Version::Soap11 => {
            let code = match fault.code.as_str() {
                "Receiver" => "Server",
                "Sender" => "Client",
                other => other,
            };
            document.append_leaf(top, Name::local("faultcode"), &format!("soapenv:{code}"));
            document.append_leaf(top, Name::local("faultstring"), &fault.reason);
            if !fault.node.is_empty() {
                document.append_leaf(top, Name::local("faultactor"), &fault.node);
            }
            if let Some(detail) = &fault.detail {
                let at = document.append_element(top, Name::local("detail"));
                document.append_copy(at, detail, NodeId::DOCUMENT);
            }
        }
        Version::Soap12 => {
            let code = match fault.code.as_str() {
                "Server" => "Receiver",
                "Client" => "Sender",
                other => other,
            };
            let at = document.append_element(top, soap("Code"));
            document.append_leaf(at, soap("Value"), &format!("soapenv:{code}"));
            let at = document.append_element(top, soap("Reason"));
            let text = document.append_leaf(at, soap("Text"), &fault.reason);
            document.set_attribute(text, Name::new("xml", "lang", crate::xml::XML_NAMESPACE), "en-US");
            for (name, value) in [("Node", &fault.node), ("Role", &fault.role)] {
                if !value.is_empty() {
                    document.append_leaf(top, soap(name), value);
                }
            }
            if let Some(detail) = &fault.detail {
                let at = document.append_element(top, soap("Detail"));
                document.append_copy(at, detail, NodeId::DOCUMENT);
            }
        }
    }
}

fn convert_fault(document: &mut Document, version: Version) {
    let Some(fault) = read_fault(document) else { return };
    let Some(body) = body_of(document) else { return };
    document.clear(body);
    append_fault(document, body, version, &fault);
    document.compact();
}

fn part(document: &Document, local: &str) -> Option<NodeId> {
    let root = document.root()?;
    document.elements(root).find(|id| document.local_name(*id) == local && is_envelope(document.namespace(*id)))
}

/// Text made of the nodes below the document node, comments left out.
pub(crate) fn has_elements(document: &Document) -> bool {
    document.children(NodeId::DOCUMENT).any(|id| matches!(document.kind(id), Kind::Element(_)))
}
