//! Messages: headers, and a body that is converted only when somebody looks.

mod body;
mod headers;
mod render;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;

pub use body::{Body, BodyError};
pub use headers::Headers;
pub use render::{Rendered, media_type};

use crate::json;
use crate::soap::{self, Version};
use crate::xml::{Document, NodeId};

/// A message: what travels between a client, the mediators and a backend.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Transport headers (scope `transport`).
    pub headers: Headers,
    /// The body.
    body: Body,
    /// XML made from a body that is not XML, kept until the body changes.
    view: Option<Arc<Document>>,
    /// JSON made from a body that is not JSON, kept until the body changes.
    json_view: Option<Arc<Json>>,
}

impl Message {
    /// A message with a body.
    pub fn new(headers: Headers, body: Body) -> Self {
        Self { headers, body, view: None, json_view: None }
    }

    /// A message out of bytes as they came; the header `Content-Type` says what they are, once somebody looks.
    pub fn raw(headers: Headers, bytes: Bytes) -> Self {
        let content_type = headers.get("Content-Type").unwrap_or_default().to_owned();
        let body = if bytes.is_empty() { Body::Empty } else { Body::Raw { bytes, content_type } };
        Self::new(headers, body)
    }

    /// The body as it is.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Replaces the body.
    pub fn set_body(&mut self, body: Body) {
        self.body = body;
        self.view = None;
        self.json_view = None;
    }

    /// Parses a raw body; nothing for one that is parsed.
    ///
    /// # Errors
    /// Bytes that are not what their content type says.
    pub fn build(&mut self) -> Result<&Body, BodyError> {
        if let Body::Raw { bytes, content_type } = &self.body {
            self.body = body::build(bytes, content_type)?;
        }
        Ok(&self.body)
    }

    /// The SOAP envelope that XPath expressions see, whatever the body is.
    ///
    /// # Errors
    /// See [`Message::build`].
    pub fn envelope(&mut self) -> Result<Arc<Document>, BodyError> {
        self.build()?;
        if let Body::Xml(document) = &self.body {
            return Ok(Arc::clone(document));
        }
        if let Some(view) = &self.view {
            return Ok(Arc::clone(view));
        }
        let mut document = soap::envelope(Version::Soap11);
        if let Some(body) = soap::body_of(&document) {
            self.body.append_to(&mut document, body);
        }
        let view = Arc::new(document);
        self.view = Some(Arc::clone(&view));
        Ok(view)
    }

    /// The envelope to change: whatever the body was, it is XML afterwards.
    ///
    /// # Errors
    /// See [`Message::build`].
    pub fn envelope_mut(&mut self) -> Result<&mut Document, BodyError> {
        if !matches!(self.body, Body::Xml(_)) {
            let envelope = self.envelope()?;
            self.set_body(Body::Xml(envelope));
        }
        self.json_view = None;
        match &mut self.body {
            Body::Xml(document) => Ok(Arc::make_mut(document)),
            _ => Err(BodyError::new("the body is not XML")),
        }
    }

    /// The body as JSON; XML is converted.
    ///
    /// # Errors
    /// See [`Message::build`].
    pub fn json(&mut self) -> Result<Arc<Json>, BodyError> {
        self.build()?;
        if let Body::Json(json) = &self.body {
            return Ok(Arc::clone(json));
        }
        if let Some(view) = &self.json_view {
            return Ok(Arc::clone(view));
        }
        let made = match &self.body {
            Body::Xml(document) => match soap::payload_of(document) {
                Some(payload) => json::from_xml(document, payload),
                None => Json::Null,
            },
            Body::Text(text) => json::parse(text).unwrap_or_else(|_| Json::String(text.to_string())),
            Body::Empty | Body::Json(_) | Body::Raw { .. } | Body::Binary(_) => Json::Null,
        };
        let view = Arc::new(made);
        self.json_view = Some(Arc::clone(&view));
        Ok(view)
    }

    /// The body as text: XML as its first payload element, JSON as written.
    ///
    /// # Errors
    /// See [`Message::build`].
    pub fn text(&mut self) -> Result<String, BodyError> {
        self.build()?;
        Ok(match &self.body {
            Body::Xml(document) => soap::body_of(document).map(|body| document.write_inner(body)).unwrap_or_default(),
            other => other.plain_text(),
        })
    }

    /// True when the envelope holds a SOAP fault.
    pub fn is_fault(&self) -> bool {
        match &self.body {
            Body::Xml(document) => soap::payload_of(document)
                .is_some_and(|id| document.local_name(id) == "Fault" && soap::is_envelope(document.namespace(id))),
            _ => false,
        }
    }

    /// Replaces the payload of the envelope by the children of a list of nodes; headers of the envelope stay.
    ///
    /// # Errors
    /// See [`Message::build`].
    pub fn set_xml_payload(&mut self, payload: &Document) -> Result<(), BodyError> {
        if !matches!(self.body, Body::Xml(_)) {
            self.set_body(Body::Xml(Arc::new(soap::envelope(Version::Soap11))));
        }
        let document = self.envelope_mut()?;
        if let Some(body) = soap::body_of(document) {
            document.clear(body);
            document.append_copy(body, payload, NodeId::DOCUMENT);
            document.compact();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
