//! Operations of an OpenAPI or Swagger document, as far as a form for calling them needs to know.

use std::collections::BTreeMap;

use control::Field as _;
use serde_json::{Map, Value};

/// Most operations that are shown.
const MAX_OPERATIONS: usize = 1000;
/// Most parameters of one operation.
const MAX_PARAMETERS: usize = 100;
/// Deepest nesting of a sample body, and most references that are followed in a row.
const MAX_DEPTH: usize = 6;
/// Most properties of an object in a sample body.
const MAX_PROPERTIES: usize = 40;

/// Methods in the order they are shown in.
const METHODS: [&str; 8] = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Form,
}

impl Place {
    /// In names of form fields.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Form => "form",
        }
    }
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) required: bool,
    pub(super) hint: String,
    /// An example or a default.
    pub(super) value: String,
    /// The only values it takes; empty for any.
    pub(super) choices: Vec<String>,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) media_type: String,
    pub(super) required: bool,
    /// An example, its author's or one made from the schema.
    pub(super) sample: String,
}

/// One operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Operation {
    /// Upper case.
    pub(super) verb: String,
    /// Path template below the API's context.
    pub(super) target: String,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// Whether a call needs a token or key.
    pub(super) guarded: bool,
}

/// All operations in the order of the document.
pub(super) fn all(document: &Value) -> Vec<Operation> {
    let paths = document.at("paths").as_object();
    let mut found = Vec::new();
    for (target, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let operation = item.at(method);
            if operation.is_object() && found.len() < MAX_OPERATIONS {
                found.push(read(document, target, method, item, operation));
            }
        }
    }
    found
}

fn read(document: &Value, target: &str, method: &str, item: &Value, operation: &Value) -> Operation {
    let mut parameters: BTreeMap<(String, &'static str), (usize, Parameter)> = BTreeMap::new();
    let mut body = request_body(document, operation.at("requestBody"));
    let lists = [item.at("parameters"), operation.at("parameters")];
    for (index, raw) in lists.into_iter().filter_map(Value::as_array).flatten().take(MAX_PARAMETERS).enumerate() {
        let raw = resolved(document, raw);
        if raw.at("in") == "body" {
            body = Some(swagger_body(document, operation, raw));
            continue;
        }
        // What an operation says of a parameter overrides what its path says.
        if let Some(parameter) = parameter(document, raw) {
            parameters.insert((parameter.name.clone(), parameter.place.key()), (index, parameter));
        }
    }
    let mut parameters: Vec<(usize, Parameter)> = parameters.into_values().collect();
    parameters.sort_by_key(|(index, _)| *index);
    let mut parameters: Vec<Parameter> = parameters.into_iter().map(|(_, parameter)| parameter).collect();
    add_undeclared(target, &mut parameters);
    let text = |name: &str| operation.at(name).as_str().unwrap_or_default().trim().to_owned();
    Operation {
        verb: method.to_uppercase(),
        target: target.to_owned(),
        summary: text("summary"),
        description: text("description"),
        parameters,
        body,
        guarded: operation.at("x-auth-type").as_str().is_none_or(|kind| !kind.eq_ignore_ascii_case("none")),
    }
}

/// Templates name parameters that documents forget to declare.
fn add_undeclared(target: &str, parameters: &mut Vec<Parameter>) {
    for part in target.split('{').skip(1) {
        let Some((name, _)) = part.split_once('}') else { continue };
        if !parameters.iter().any(|p| p.place == Place::Path && p.name == name) {
            parameters.insert(
                0,
                Parameter {
                    name: name.to_owned(),
                    place: Place::Path,
                    required: true,
                    hint: String::new(),
                    value: String::new(),
                    choices: Vec::new(),
                },
            );
        }
    }
}

fn parameter(document: &Value, raw: &Value) -> Option<Parameter> {
    let place = match raw.at("in").as_str()? {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        "formData" => Place::Form,
        // Cookies belong to browsers and this page has its own.
        _ => return None,
    };
    let name = raw.at("name").as_str().filter(|name| !name.is_empty() && name.len() <= 200)?.to_owned();
    // OpenAPI says that these come from elsewhere: from the body, the answer and the credential.
    let reserved = ["accept", "content-type", "authorization"];
    if place == Place::Header && reserved.contains(&name.to_ascii_lowercase().as_str()) {
        return None;
    }
    // Swagger 2 has the schema's fields in the parameter itself.
    let schema = if raw.at("schema").is_object() { resolved(document, raw.at("schema")) } else { raw };
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    let candidates = [raw.at("example"), first_example(raw), schema.at("example"), schema.at("default")];
    let values = schema.at("enum").as_array().map(Vec::as_slice).unwrap_or_default();
    let hint = raw.at("description").as_str().unwrap_or_default();
    Some(Parameter {
        name,
        place,
        required: place == Place::Path || raw.at("required") == true,
        hint: hint.chars().take(300).collect(),
        value: candidates.into_iter().find_map(plain).unwrap_or_default(),
        choices: values.iter().take(100).filter_map(plain).collect(),
    })
}

/// The value of the first of several named examples.
fn first_example(of: &Value) -> &Value {
    static NONE: Value = Value::Null;
    of.at("examples").as_object().and_then(|all| all.values().next()).map_or(&NONE, |one| one.at("value"))
}

fn request_body(document: &Value, raw: &Value) -> Option<Body> {
    let raw = resolved(document, raw);
    let content = raw.at("content").as_object()?;
    let json = content.iter().find(|(kind, _)| kind.contains("json"));
    let (media_type, about) = json.or_else(|| content.iter().next())?;
    let given = [about.at("example"), first_example(about)].into_iter().find(|value| !value.is_null());
    let sample = given.cloned().unwrap_or_else(|| sample(document, about.at("schema"), 0));
    Some(Body { media_type: header_text(media_type), required: raw.at("required") == true, sample: written(&sample) })
}

fn swagger_body(document: &Value, operation: &Value, raw: &Value) -> Body {
    let list = |of: &Value| of.at("consumes").get(0).and_then(Value::as_str).map(str::to_owned);
    let media_type = list(operation).or_else(|| list(document)).unwrap_or_else(|| "application/json".to_owned());
    Body {
        media_type: header_text(&media_type),
        required: raw.at("required") == true,
        sample: written(&sample(document, raw.at("schema"), 0)),
    }
}

/// A media type that can stand in a header.
fn header_text(text: &str) -> String {
    let plain = text.len() <= 200 && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if plain && text.contains('/') { text.to_owned() } else { "application/json".to_owned() }
}

fn written(sample: &Value) -> String {
    match sample {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// Follows references inside of the document.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..MAX_DEPTH {
        let Some(pointer) = value.at("$ref").as_str().and_then(|target| target.strip_prefix('#')) else { break };
        match document.pointer(pointer) {
            Some(target) => value = target,
            None => break,
        }
    }
    value
}

/// A value that a schema would take, as far as it can be told without trying.
fn sample(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolved(document, schema);
    for field in ["example", "default", "const"] {
        if !schema.at(field).is_null() {
            return schema.at(field).clone();
        }
    }
    for list in ["examples", "enum"] {
        if let Some(first) = schema.at(list).get(0) {
            return first.clone();
        }
    }
    if depth >= MAX_DEPTH {
        return Value::Null;
    }
    let deeper = depth.saturating_add(1);
    if let Some(first) = ["oneOf", "anyOf"].into_iter().find_map(|list| schema.at(list).get(0)) {
        return sample(document, first, deeper);
    }
    if let Some(parts) = schema.at("allOf").as_array() {
        let mut whole = Map::new();
        for part in parts.iter().take(MAX_PROPERTIES) {
            if let Value::Object(fields) = sample(document, part, deeper) {
                whole.extend(fields);
            }
        }
        return Value::Object(whole);
    }
    // OpenAPI 3.1 may list several types.
    let kind = schema.at("type").as_str().or_else(|| schema.at("type").get(0).and_then(Value::as_str));
    match kind {
        Some("string") => Value::from(match schema.at("format").as_str() {
            Some("date") => "2026-01-31",
            Some("date-time") => "2026-01-31T12:00:00Z",
            Some("uuid") => "00000000-0000-4000-8000-000000000000",
            Some("email") => "someone@example.com",
            Some("uri" | "url") => "https://example.com",
            _ => "text",
        }),
        Some("integer") => schema.at("minimum").as_i64().map_or_else(|| Value::from(1), Value::from),
        Some("number") => schema.at("minimum").as_f64().map_or_else(|| Value::from(1.5), Value::from),
        Some("boolean") => Value::Bool(true),
        Some("array") => Value::Array(vec![sample(document, schema.at("items"), deeper)]),
        Some("object") | None => {
            let mut fields = Map::new();
            for (name, property) in schema.at("properties").as_object().into_iter().flatten().take(MAX_PROPERTIES) {
                if property.at("readOnly") != true {
                    fields.insert(name.clone(), sample(document, property, deeper));
                }
            }
            if fields.is_empty() && kind.is_none() { Value::Null } else { Value::Object(fields) }
        }
        Some(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, all};
    use serde_json::json;

    #[test]
    fn an_operation_knows_what_a_call_needs() {
        let document = json!({
            "paths": {"/orders/{id}/{part}": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "example": "7"}}],
                "post": {
                    "summary": " Order ",
                    "parameters": [
                        {"name": "size", "in": "query", "schema": {"enum": ["s", "l"], "default": "l"}},
                        {"$ref": "#/components/parameters/Trace"},
                        {"name": "Authorization", "in": "header", "schema": {}},
                        {"name": "session", "in": "cookie", "schema": {}},
                    ],
                    "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                },
                "get": {"x-auth-type": "None"},
            }},
            "components": {
                "parameters": {"Trace": {"name": "X-Trace", "in": "header", "description": "To find it again"}},
                "schemas": {"Order": {"type": "object", "properties": {
                    "id": {"type": "string", "readOnly": true},
                    "size": {"type": "integer", "minimum": 2},
                    "when": {"type": "string", "format": "date"},
                    "next": {"$ref": "#/components/schemas/Order"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                }}},
            },
        });
        let found = all(&document);
        let [get, post] = found.as_slice() else { panic!("{found:?}") };
        assert!(!get.guarded && post.guarded);
        assert_eq!((post.verb.as_str(), post.summary.as_str()), ("POST", "Order"));
        let names: Vec<(&str, Place)> = post.parameters.iter().map(|p| (p.name.as_str(), p.place)).collect();
        assert_eq!(
            names,
            [("part", Place::Path), ("id", Place::Path), ("size", Place::Query), ("X-Trace", Place::Header)]
        );
        assert_eq!(post.parameters[2].choices, ["s", "l"]);
        assert_eq!(post.parameters[2].value, "l");
        let body = post.body.as_ref().unwrap();
        let sample: serde_json::Value = serde_json::from_str(&body.sample).unwrap();
        assert!(body.required && sample["id"].is_null() && sample["size"] == 2 && sample["tags"][0] == "text");
        assert_eq!(sample["next"]["next"]["size"], 2, "a schema that contains itself ends somewhere");
    }

    #[test]
    fn swagger_and_nonsense_are_read_as_far_as_they_go() {
        let swagger = json!({"consumes": ["application/xml"], "paths": {"/a": {"post": {"parameters": [
            {"name": "b", "in": "body", "schema": {"type": "string"}},
            {"name": "f", "in": "formData", "type": "string", "default": "x"},
        ]}}}});
        let found = all(&swagger);
        assert_eq!(found[0].body.as_ref().unwrap().media_type, "application/xml");
        assert_eq!((found[0].parameters[0].place, found[0].parameters[0].value.as_str()), (Place::Form, "x"));
        for nonsense in [
            json!(null),
            json!({"paths": []}),
            json!({"paths": {"/": {"get": {"parameters": [{"$ref": "#/paths/~1/get/parameters/0"}]}}}}),
            json!({"paths": {"/{": {"get": {"requestBody": {"content": {"a\r\nb": {}}}}}}}),
        ] {
            for operation in all(&nonsense) {
                assert!(operation.body.is_none_or(|body| !body.media_type.contains('\r')));
            }
        }
    }
}
