//! Bodies to bytes.

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Body, BodyError, Message};
use crate::json;
use crate::soap::{self, Version};
use crate::xml::{Document, NodeId};

/// Bytes with the content type they are written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Value of the header `Content-Type`; none without a body.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
}

/// The media type of a content type: lower case, without parameters.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl Message {
    /// Writes the body as a formatter of Synapse does.
    ///
    /// `message_type` is the property of this name, else the content type the message came with; empty means: as the
    /// body is.
    ///
    /// # Errors
    /// A raw body that had to be converted and is not what it says.
    pub fn render(&mut self, message_type: &str) -> Result<Rendered, BodyError> {
        let media = media_type(message_type);
        if let Body::Raw { bytes, content_type } = &self.body {
            if media.is_empty() || media == media_type(content_type) {
                let content_type = Some(content_type.clone()).filter(|text| !text.is_empty());
                return Ok(Rendered { content_type, bytes: bytes.clone() });
            }
            self.build()?;
        }
        let typed = |bytes: Vec<u8>, fallback: &str| {
            let content_type = if message_type.is_empty() { fallback.to_owned() } else { message_type.to_owned() };
            Rendered { content_type: Some(content_type), bytes: bytes.into() }
        };
        if matches!(self.body, Body::Empty) {
            return Ok(Rendered { content_type: None, bytes: Bytes::new() });
        }
        if media == "application/json" || media.ends_with("+json") {
            let json = self.json()?;
            return Ok(typed(json.to_string().into_bytes(), "application/json"));
        }
        if media.is_empty() {
            return Ok(self.render_as_is());
        }
        if media == "application/x-www-form-urlencoded" {
            let envelope = self.envelope()?;
            return Ok(typed(form(&envelope).into_bytes(), &media));
        }
        if media == "text/xml" || media == "application/soap+xml" {
            let envelope = self.envelope()?;
            let version = if media == "text/xml" { Version::Soap11 } else { Version::Soap12 };
            return Ok(typed(soap::convert(&envelope, version).into_bytes(), &media));
        }
        if media == "application/xml" || media.ends_with("+xml") {
            let envelope = self.envelope()?;
            let text = soap::payload_of(&envelope).map(|payload| envelope.write(payload)).unwrap_or_default();
            return Ok(typed(text.into_bytes(), &media));
        }
        if let Body::Binary(bytes) = &self.body {
            return Ok(typed(bytes.to_vec(), &media));
        }
        Ok(typed(self.plain()?.into_bytes(), &media))
    }

    fn render_as_is(&self) -> Rendered {
        let (content_type, bytes) = match &self.body {
            Body::Empty => return Rendered { content_type: None, bytes: Bytes::new() },
            Body::Json(json) => ("application/json", json.to_string().into()),
            Body::Text(text) => ("text/plain", text.to_string().into()),
            Body::Binary(bytes) | Body::Raw { bytes, .. } => ("application/octet-stream", bytes.clone()),
            Body::Xml(document) => match soap::version_of(document) {
                Version::Soap11 => ("text/xml", document.write(NodeId::DOCUMENT).into()),
                Version::Soap12 => ("application/soap+xml", document.write(NodeId::DOCUMENT).into()),
            },
        };
        Rendered { content_type: Some(content_type.to_owned()), bytes }
    }

    /// Text as the plain text formatter writes it: the text of the payload element.
    fn plain(&mut self) -> Result<String, BodyError> {
        Ok(match self.build()? {
            Body::Xml(document) => soap::payload_of(document).map(|payload| document.text(payload)).unwrap_or_default(),
            Body::Json(json) => json::text_of(json),
            other => other.plain_text(),
        })
    }
}

fn form(envelope: &Document) -> String {
    let Some(payload) = soap::payload_of(envelope) else { return String::new() };
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+");
    let fields = envelope
        .elements(payload)
        .map(|field| format!("{}={}", encode(envelope.local_name(field)), encode(&envelope.text(field))));
    fields.collect::<Vec<_>>().join("&")
}
