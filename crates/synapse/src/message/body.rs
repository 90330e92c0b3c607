//! Bodies and how bytes become them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use super::render::media_type;
use crate::json;
use crate::soap::{self, Version};
use crate::xml::{Document, Limits, Name, NodeId};

const PAYLOAD: &str = "http://ws.apache.org/commons/ns/payload";

/// A body.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// A SOAP envelope; plain XML is wrapped in one.
    Xml(Arc<Document>),
    /// JSON.
    Json(Arc<Json>),
    /// Text.
    Text(Arc<str>),
    /// Bytes that no builder knows.
    Binary(Bytes),
    /// Bytes nobody has looked at.
    Raw {
        /// The bytes.
        bytes: Bytes,
        /// What they are said to be.
        content_type: String,
    },
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(String);

impl BodyError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl Body {
    /// Plain XML in a SOAP 1.1 envelope; an envelope stays what it is.
    pub fn from_xml(document: Document) -> Self {
        Self::Xml(Arc::new(soap::wrap(document, Version::Soap11)))
    }

    /// JSON.
    pub fn from_json(json: Json) -> Self {
        Self::Json(Arc::new(json))
    }

    /// Appends what XPath sees of a body that is not XML.
    pub(super) fn append_to(&self, document: &mut Document, parent: NodeId) {
        match self {
            Self::Empty | Self::Xml(_) => {}
            Self::Json(json) => json::append_root(document, parent, json),
            Self::Text(text) => {
                document.append_leaf(parent, Name::new("", "text", PAYLOAD), text);
            }
            Self::Binary(bytes) | Self::Raw { bytes, .. } => {
                document.append_leaf(parent, Name::new("", "binary", PAYLOAD), &BASE64.encode(bytes));
            }
        }
    }

    /// The text of a body that is not XML.
    pub(super) fn plain_text(&self) -> String {
        match self {
            Self::Empty | Self::Xml(_) => String::new(),
            Self::Json(json) => json.to_string(),
            Self::Text(text) => text.to_string(),
            Self::Binary(bytes) | Self::Raw { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

/// Builds a body as the builder of its content type does.
pub(super) fn build(bytes: &Bytes, content_type: &str) -> Result<Body, BodyError> {
    let media = media_type(content_type);
    let text = || String::from_utf8_lossy(bytes).into_owned();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Body::Empty);
    }
    if media == "application/json" || media.ends_with("+json") {
        let text = text();
        return json::parse(&text).map(Body::from_json).map_err(BodyError);
    }
    if media == "text/xml" || media == "application/xml" || media.ends_with("+xml") {
        let version = if media == "application/soap+xml" { Version::Soap12 } else { Version::Soap11 };
        let document = Document::parse_bytes(bytes, Limits::MESSAGE)
            .map_err(|e| BodyError(format!("the body is not XML: {e}")))?;
        return Ok(Body::Xml(Arc::new(soap::wrap(document, version))));
    }
    if media == "application/x-www-form-urlencoded" {
        return Ok(form(&text()));
    }
    if media.starts_with("text/") {
        return Ok(Body::Text(text().into()));
    }
    Ok(Body::Binary(bytes.clone()))
}

/// A form as Axis2 builds it: `xformValues` with one element for each field.
fn form(text: &str) -> Body {
    let mut document = Document::with_root(Name::local("xformValues"));
    let root = document.root().unwrap_or(NodeId::DOCUMENT);
    let fields = text.split('&').filter(|field| !field.is_empty()).take(10_000);
    for field in fields {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let name = decode(name);
        let valid = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
        if valid {
            document.append_leaf(root, Name::local(&name), &decode(value));
        }
    }
    Body::from_xml(document)
}
