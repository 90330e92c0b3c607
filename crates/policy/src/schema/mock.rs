//! Answers that a definition describes, for APIs without a backend (WSO2: `endpointImplementationType` `INLINE` and
//! `MOCKED_OAS`). Made once, when the API is deployed.

use http::Method;
use serde_json::{Map, Value, json};

use super::document::{Contract, Dialect};
use super::{SchemaError, is_json, reference};

/// Most bytes of the bodies of one operation.
const MAX_BYTES: usize = 256 * 1024;
/// Deepest value that is made from a schema, and most parts of one.
const MAX_DEPTH: usize = 8;
const MAX_PARTS: usize = 2_000;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockAnswer {
    /// Status.
    pub status: u16,
    /// Media type, where there is a body.
    pub kind: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// What one operation answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mock(Vec<MockAnswer>);

impl Mock {
    /// Compiles what a document says about a path and method; an operation that describes nothing answers 200 without a
    /// body.
    ///
    /// # Errors
    /// [`SchemaError`]: a reference that leads nowhere, or a document that is none.
    pub fn compile(document: &Value, template: &str, method: &Method) -> Result<Self, SchemaError> {
        let contract = Contract::new(document)?;
        let Some(operation) = contract.operation(template, method) else { return Ok(Self::default()) };
        let maker = Maker { document };
        let mut answers = Vec::new();
        let mut room = MAX_BYTES;
        for (status, answer) in operation.described() {
            let Some(status) = status_of(status) else { continue };
            let answer = reference::resolved(document, answer)?;
            let bodies = match contract.dialect() {
                Dialect::Swagger2 => maker.bodies_of_swagger(&operation.produces(document), answer)?,
                Dialect::OpenApi30 | Dialect::OpenApi31 => maker.bodies(answer.get("content"))?,
            };
            if bodies.is_empty() {
                answers.push(MockAnswer { status, kind: None, body: Vec::new() });
            }
            for (kind, body) in bodies {
                let Some(left) = room.checked_sub(body.len()) else { break };
                room = left;
                answers.push(MockAnswer { status, kind: Some(kind), body });
            }
        }
        // What went well comes first, whatever the order of the document.
        answers.sort_by_key(|answer| (!(200..300).contains(&answer.status), answer.status));
        Ok(Self(answers))
    }

    /// The answer for a call: of the status it asks for, else the best one, in the first form that it accepts.
    pub fn answer(&self, status: Option<u16>, accept: Option<&str>) -> MockAnswer {
        let wanted = status.or_else(|| self.0.first().map(|answer| answer.status)).unwrap_or(200);
        let mut fitting = self.0.iter().filter(|answer| answer.status == wanted).peekable();
        let first = fitting.peek().copied();
        let accepted = |answer: &&&MockAnswer| answer.kind.as_deref().is_some_and(|kind| accepts(accept, kind));
        let chosen = { fitting }.find(|answer| accepted(&answer)).or(first);
        chosen.cloned().unwrap_or(MockAnswer { status: wanted, kind: None, body: Vec::new() })
    }
}

/// `200`, `4XX` as 400. `default` is no status of its own.
fn status_of(text: &str) -> Option<u16> {
    let digits = text.to_ascii_uppercase().replace("XX", "00");
    digits.parse().ok().filter(|status| (200..600).contains(status))
}

/// Whether a client takes a media type; quality is not weighed.
fn accepts(accept: Option<&str>, kind: &str) -> bool {
    let Some(accept) = accept else { return true };
    let group = kind.split('/').next().unwrap_or_default();
    accept.split(',').any(|range| {
        let range = range.split(';').next().unwrap_or_default().trim();
        range == "*/*" || range.eq_ignore_ascii_case(kind) || range.strip_suffix("/*").is_some_and(|own| own == group)
    })
}

struct Maker<'a> {
    document: &'a Value,
}

impl Maker<'_> {
    /// OpenAPI 3: a media type with examples, or with a schema that one is made from.
    fn bodies(&self, content: Option<&Value>) -> Result<Vec<(String, Vec<u8>)>, SchemaError> {
        let mut bodies = Vec::new();
        for (kind, media) in content.and_then(Value::as_object).into_iter().flatten() {
            let listed = media.get("examples").and_then(Value::as_object).and_then(|all| all.values().next());
            let listed = match listed {
                Some(example) => reference::resolved(self.document, example)?.get("value"),
                None => None,
            };
            let example = media.get("example").or(listed).cloned();
            bodies.extend(self.body(kind, example, media.get("schema"))?);
        }
        Ok(bodies)
    }

    /// Swagger 2: examples by media type beside one schema for all of them.
    fn bodies_of_swagger(&self, produced: &[&str], answer: &Value) -> Result<Vec<(String, Vec<u8>)>, SchemaError> {
        let examples = answer.get("examples").and_then(Value::as_object);
        let mut bodies = Vec::new();
        for (kind, example) in examples.into_iter().flatten() {
            bodies.extend(self.body(kind, Some(example.clone()), None)?);
        }
        if bodies.is_empty() && answer.get("schema").is_some() {
            let kinds = if produced.is_empty() { &["application/json"] } else { produced };
            for kind in kinds {
                bodies.extend(self.body(kind, None, answer.get("schema"))?);
            }
        }
        Ok(bodies)
    }

    fn body(
        &self,
        kind: &str,
        example: Option<Value>,
        schema: Option<&Value>,
    ) -> Result<Option<(String, Vec<u8>)>, SchemaError> {
        let kind = kind.trim().to_ascii_lowercase();
        let json = is_json(kind.split(';').next().unwrap_or_default().trim()) || kind == "*/*";
        let value = match (example, schema) {
            (Some(example), _) => example,
            // Only JSON can be made from a schema alone.
            (None, Some(schema)) if json => self.sample(schema, 0, &mut MAX_PARTS.clone())?,
            (None, _) => return Ok(None),
        };
        let body = match value {
            Value::String(text) if !json => text.into_bytes(),
            value => serde_json::to_vec(&value).unwrap_or_default(),
        };
        let sendable = !kind.is_empty() && kind.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let kind = if kind == "*/*" { "application/json".to_owned() } else { kind };
        Ok(sendable.then_some((kind, body)))
    }

    /// A value that a schema describes.
    fn sample(&self, schema: &Value, depth: usize, parts: &mut usize) -> Result<Value, SchemaError> {
        let schema = reference::resolved(self.document, schema)?;
        let listed = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|list| list.first());
        let given = schema.get("example").or_else(|| listed("examples")).or_else(|| schema.get("default"));
        if let Some(value) = given.or_else(|| schema.get("const")).or_else(|| listed("enum")) {
            return Ok(value.clone());
        }
        let Some(left) = parts.checked_sub(1).filter(|_| depth < MAX_DEPTH) else { return Ok(Value::Null) };
        *parts = left;
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            let mut merged = Map::new();
            for part in all {
                if let Value::Object(members) = self.sample(part, depth + 1, parts)? {
                    merged.extend(members);
                }
            }
            merged.extend(self.members(schema, depth, parts)?);
            return Ok(Value::Object(merged));
        }
        if let Some(one) = listed("oneOf").or_else(|| listed("anyOf")) {
            return self.sample(one, depth + 1, parts);
        }
        let named = schema.get("type").and_then(|kind| kind.as_str().or_else(|| kind.as_array()?.first()?.as_str()));
        let assumed = match (schema.get("properties"), schema.get("items")) {
            (Some(_), _) => "object",
            (None, Some(_)) => "array",
            (None, None) => "",
        };
        Ok(match named.unwrap_or(assumed) {
            "object" => Value::Object(self.members(schema, depth, parts)?),
            "array" => match schema.get("items") {
                Some(items) => Value::Array(vec![self.sample(items, depth + 1, parts)?]),
                None => json!([]),
            },
            "string" => json!(text_of(schema.get("format").and_then(Value::as_str).unwrap_or_default())),
            "integer" => schema.get("minimum").filter(|least| least.is_i64()).cloned().unwrap_or(json!(0)),
            "number" => schema.get("minimum").cloned().unwrap_or(json!(0.0)),
            "boolean" => json!(true),
            _ => Value::Null,
        })
    }

    fn members(&self, schema: &Value, depth: usize, parts: &mut usize) -> Result<Map<String, Value>, SchemaError> {
        let mut members = Map::new();
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if *parts == 0 {
                break;
            }
            members.insert(name.clone(), self.sample(member, depth + 1, parts)?);
        }
        Ok(members)
    }
}

/// A text of a format.
fn text_of(format: &str) -> &'static str {
    match format {
        "date" => "2026-01-01",
        "date-time" => "2026-01-01T00:00:00Z",
        "time" => "00:00:00Z",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "email" => "user@example.com",
        "uri" | "url" => "https://example.com/",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "byte" => "dGV4dA==",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::{Mock, MockAnswer};
    use http::Method;
    use serde_json::{Value, json};

    fn compiled(answers: Value) -> Mock {
        let document = json!({"openapi": "3.0.0", "components": {
            "schemas": {"Pizza": {"type": "object", "properties": {"name": {"type": "string", "example": "Margherita"},
                "price": {"type": "number"}, "tags": {"type": "array", "items": {"type": "string", "enum": ["hot"]}},
                "next": {"$ref": "#/components/schemas/Pizza"}}}},
            "examples": {"one": {"value": {"id": 7}}}}, "paths": {"/menu": {"get": {"responses": answers}}}});
        Mock::compile(&document, "/menu", &Method::GET).unwrap()
    }

    fn text(answer: &MockAnswer) -> String {
        String::from_utf8(answer.body.clone()).unwrap()
    }

    #[test]
    fn examples_go_before_what_is_made_of_a_schema() {
        let mock = compiled(json!({
            "404": {"content": {"application/json": {"example": {"code": 404}}}},
            "200": {"content": {
                "application/json": {"examples": {"first": {"$ref": "#/components/examples/one"}}},
                "text/plain": {"example": "plain"},
                "application/xml": {"schema": {"type": "string"}}}},
            "default": {"description": "anything"}, "2XX": {}, "abc": {}}));
        assert_eq!(text(&mock.answer(None, None)), "{\"id\":7}");
        let plain = mock.answer(None, Some("text/html, text/plain;q=0.5"));
        assert_eq!((plain.kind.as_deref(), text(&plain).as_str()), (Some("text/plain"), "plain"));
        assert_eq!(mock.answer(None, Some("image/png")).kind.as_deref(), Some("application/json"));
        let missing = mock.answer(Some(404), None);
        assert_eq!((missing.status, text(&missing).as_str()), (404, "{\"code\":404}"));
        assert_eq!(mock.answer(Some(418), None), MockAnswer { status: 418, kind: None, body: Vec::new() });
    }

    #[test]
    fn values_are_made_of_schemas_and_end() {
        let mock = compiled(json!({"201": {"content": {"application/json": {"schema": {"allOf": [
            {"$ref": "#/components/schemas/Pizza"}, {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}}]}}}}}));
        let answer = mock.answer(None, None);
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &value["name"], &value["price"]), (201, &json!("Margherita"), &json!(0.0)));
        assert_eq!((&value["tags"], &value["at"]), (&json!(["hot"]), &json!("2026-01-01")));
        let wide: serde_json::Map<String, Value> =
            (0..100).map(|n| (format!("m{n}"), json!({"$ref": "#/components/schemas/Wide"}))).collect();
        let document = json!({"openapi": "3.1.0", "components": {"schemas": {"Wide": {"properties": wide}}},
            "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wide"}}}}}}}}});
        let wide = Mock::compile(&document, "/a", &Method::GET).unwrap().answer(None, None);
        assert!(wide.body.len() < super::MAX_BYTES, "{}", wide.body.len());
    }

    #[test]
    fn swagger_and_silence_are_answered_too() {
        let document = json!({"swagger": "2.0", "produces": ["application/json"], "definitions": {"A": {"type": "integer", "minimum": 3}},
            "paths": {"/a": {"get": {"responses": {"200": {"schema": {"$ref": "#/definitions/A"}}}},
                "put": {"responses": {"204": {"description": "none"}}},
                "post": {"responses": {"200": {"examples": {"application/json": [1]}}}}}}});
        let answer = |method: &Method| Mock::compile(&document, "/a", method).unwrap().answer(None, None);
        assert_eq!(text(&answer(&Method::GET)), "3");
        assert_eq!(text(&answer(&Method::POST)), "[1]");
        assert_eq!(answer(&Method::PUT), MockAnswer { status: 204, kind: None, body: Vec::new() });
        assert_eq!(answer(&Method::DELETE).status, 200);
        let broken =
            json!({"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {"200": {"$ref": "#/nowhere"}}}}}});
        assert!(Mock::compile(&broken, "/a", &Method::GET).is_err());
    }
}
