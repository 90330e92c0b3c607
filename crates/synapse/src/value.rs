//! Values of properties, variables and expressions.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;

use crate::json;
use crate::xml::{Document, NodeId};

/// A value that mediators pass on.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, and JSON's null.
    Null,
    /// A truth value.
    Boolean(bool),
    /// SHORT, INTEGER and LONG of Synapse.
    Integer(i64),
    /// FLOAT and DOUBLE of Synapse.
    Double(f64),
    /// Text.
    Text(Arc<str>),
    /// JSON.
    Json(Arc<Json>),
    /// One XML node or a list of them, below the document node.
    Xml(Arc<Document>),
    /// Bytes.
    Bytes(Bytes),
}

impl Value {
    /// From text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// From JSON; scalars become the scalar kinds.
    pub fn from_json(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Boolean(value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Self::Integer(value),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::text(text),
            other => Self::Json(Arc::new(other)),
        }
    }

    /// As text. XML is written out when the list holds an element, else its text.
    pub fn as_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Double(value) => number_text(*value),
            Self::Text(text) => text.to_string(),
            Self::Json(json) => json::text_of(json),
            Self::Xml(document) => document.write(NodeId::DOCUMENT),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// As text, with XML reduced to the string value of its first node, which is what a comparison sees.
    pub fn as_string_value(&self) -> String {
        match self {
            Self::Xml(document) => {
                document.first_child(NodeId::DOCUMENT).map(|id| document.text(id)).unwrap_or_default()
            }
            other => other.as_text(),
        }
    }

    /// As JSON.
    pub fn as_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => Json::Bool(*value),
            Self::Integer(value) => Json::from(*value),
            Self::Double(value) => json::number(*value),
            Self::Text(text) => Json::String(text.to_string()),
            Self::Json(json) => (**json).clone(),
            Self::Xml(document) => json::from_xml(document, NodeId::DOCUMENT),
            Self::Bytes(_) => Json::String(self.as_text()),
        }
    }

    /// As a number, as XPath's `number()` reads it.
    pub fn as_number(&self) -> f64 {
        match self {
            Self::Null => f64::NAN,
            Self::Boolean(value) => f64::from(u8::from(*value)),
            Self::Integer(value) => *value as f64,
            Self::Double(value) => *value,
            other => parse_number(&other.as_string_value()),
        }
    }

    /// As a truth value: text is true when it says so.
    pub fn as_boolean(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Boolean(value) => *value,
            Self::Integer(value) => *value != 0,
            Self::Double(value) => *value != 0.0 && !value.is_nan(),
            other => other.as_string_value().trim().eq_ignore_ascii_case("true"),
        }
    }

    /// True for nothing and for the empty text.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }
}

/// A number as XPath 1.0 writes it: no exponent, no `.0`.
pub(crate) fn number_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value}")
    }
}

/// Text as XPath 1.0's `number()` reads it: NaN for what is not a number, exponents included.
pub(crate) fn parse_number(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.chars().any(|c| c.is_ascii_digit());
    if plain { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}
