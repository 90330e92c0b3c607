//! Messages as bytes: JSON with a version, so that a later program reads what an earlier one kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use synapse::host::Stored;
use synapse::soap::{self, Version};
use synapse::xml::{Document, Limits, NodeId};
use synapse::{Body, Headers, Message, Scope, Value};

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u8,
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// Base64.
    #[serde(default)]
    body: String,
    properties: BTreeMap<String, KeptValue>,
    axis2: BTreeMap<String, KeptValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
enum KeptValue {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    Json(serde_json::Value),
    Xml(String),
    Bytes(String),
}

/// Writes a message.
pub(crate) fn write(stored: &mut Stored) -> Result<Vec<u8>, String> {
    let (content_type, body) = match stored.message.body() {
        Body::Empty => (None, Bytes::new()),
        Body::Raw { bytes, content_type } => (Some(content_type.clone()), bytes.clone()),
        Body::Binary(bytes) => (Some("application/octet-stream".to_owned()), bytes.clone()),
        Body::Text(text) => (Some("text/plain; charset=UTF-8".to_owned()), Bytes::from(text.to_string())),
        Body::Json(json) => (Some("application/json".to_owned()), Bytes::from(json.to_string())),
        Body::Xml(document) => {
            let kind = match soap::version_of(document) {
                Version::Soap11 => "text/xml; charset=UTF-8",
                Version::Soap12 => "application/soap+xml; charset=UTF-8",
            };
            (Some(kind.to_owned()), Bytes::from(document.write(NodeId::DOCUMENT)))
        }
    };
    let kept = Kept {
        version: 1,
        headers: stored.message.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        content_type,
        body: BASE64.encode(body),
        properties: stored.properties.iter().map(|(name, value)| (name.clone(), keep(value))).collect(),
        axis2: stored.axis2.iter().map(|(name, value)| (name.clone(), keep(value))).collect(),
    };
    serde_json::to_vec(&kept).map_err(|error| error.to_string())
}

/// Reads a message.
pub(crate) fn read(bytes: &[u8]) -> Result<Stored, String> {
    let kept: Kept =
        serde_json::from_slice(bytes).map_err(|error| format!("the stored message is damaged: {error}"))?;
    if kept.version != 1 {
        return Err(format!("the stored message is of version {}, which this program does not know", kept.version));
    }
    let body = BASE64.decode(&kept.body).map_err(|error| format!("the stored message is damaged: {error}"))?;
    let headers: Headers = kept.headers.into_iter().collect();
    let body = match kept.content_type {
        Some(content_type) => Body::Raw { bytes: Bytes::from(body), content_type },
        None => Body::Empty,
    };
    Ok(Stored { message: Message::new(headers, body), properties: scope(kept.properties)?, axis2: scope(kept.axis2)? })
}

fn keep(value: &Value) -> KeptValue {
    match value {
        Value::Null => KeptValue::Null,
        Value::Boolean(value) => KeptValue::Boolean(*value),
        Value::Integer(value) => KeptValue::Integer(*value),
        Value::Double(value) if value.is_finite() => KeptValue::Double(*value),
        Value::Double(_) => KeptValue::Text(value.as_text()),
        Value::Text(text) => KeptValue::Text(text.to_string()),
        Value::Json(json) => KeptValue::Json((**json).clone()),
        Value::Xml(document) => KeptValue::Xml(document.write(NodeId::DOCUMENT)),
        Value::Bytes(bytes) => KeptValue::Bytes(BASE64.encode(bytes)),
    }
}

fn scope(kept: BTreeMap<String, KeptValue>) -> Result<Scope, String> {
    kept.into_iter().map(|(name, value)| Ok((name, give(value)?))).collect()
}

fn give(kept: KeptValue) -> Result<Value, String> {
    Ok(match kept {
        KeptValue::Null => Value::Null,
        KeptValue::Boolean(value) => Value::Boolean(value),
        KeptValue::Integer(value) => Value::Integer(value),
        KeptValue::Double(value) => Value::Double(value),
        KeptValue::Text(text) => Value::text(text),
        KeptValue::Json(json) => Value::Json(Arc::new(json)),
        KeptValue::Xml(text) => {
            // A list of nodes has no one root: it is read inside of an element that is taken off again.
            let wrapped =
                Document::parse(&format!("<list>{text}</list>"), Limits::MESSAGE).map_err(|e| e.to_string())?;
            let mut list = Document::new();
            let root = wrapped.root().unwrap_or(NodeId::DOCUMENT);
            let children: Vec<NodeId> = wrapped.children(root).collect();
            for child in children {
                list.append_copy(NodeId::DOCUMENT, &wrapped, child);
            }
            list.compact();
            Value::Xml(Arc::new(list))
        }
        KeptValue::Bytes(text) => Value::Bytes(BASE64.decode(text).map_err(|error| error.to_string())?.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::{Stored, read, write};
    use synapse::{Body, Headers, Message, Scope, Value};

    fn around(body: Body) -> Message {
        let headers: Headers =
            [("X-A".to_owned(), "1".to_owned()), ("X-A".to_owned(), "2".to_owned())].into_iter().collect();
        let properties: Scope = [
            ("text".to_owned(), Value::text("é\u{1}")),
            ("number".to_owned(), Value::Double(f64::NAN)),
            ("bytes".to_owned(), Value::Bytes(vec![0, 255].into())),
        ]
        .into();
        let mut stored = Stored { message: Message::new(headers, body), properties, axis2: Scope::new() };
        let given = read(&write(&mut stored).unwrap()).unwrap();
        assert_eq!(given.properties["text"].as_text(), "é\u{1}");
        assert!(given.properties["number"].as_number().is_nan());
        assert!(matches!(&given.properties["bytes"], Value::Bytes(bytes) if bytes[..] == [0, 255]));
        assert_eq!(given.message.headers.iter().count(), 2);
        given.message
    }

    #[test]
    fn a_message_comes_back_as_it_was() {
        let raw = |kind: &str, text: &str| Body::Raw { bytes: text.to_owned().into(), content_type: kind.to_owned() };
        let mut message = around(raw("application/json", r#"{"b":1,"a":[null]}"#));
        assert_eq!(message.json().unwrap().to_string(), r#"{"b":1,"a":[null]}"#);
        let mut xml = Message::new(Headers::new(), raw("text/xml", "<a xmlns='urn:x'>&lt;</a>"));
        xml.build().unwrap();
        assert_eq!(around(xml.body().clone()).text().unwrap(), "<a xmlns=\"urn:x\">&lt;</a>");
        assert_eq!(around(Body::Text("plain".into())).text().unwrap(), "plain");
        assert!(matches!(around(Body::Empty).body(), Body::Empty));
        assert!(
            matches!(around(Body::Binary(vec![0, 159].into())).build().unwrap(), Body::Binary(b) if b[..] == [0, 159])
        );
    }

    #[test]
    fn damage_is_told() {
        for bytes in [&b""[..], b"{}", br#"{"version":2,"headers":[],"properties":{},"axis2":{}}"#] {
            assert!(read(bytes).is_err());
        }
    }
}
