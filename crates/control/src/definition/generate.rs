//! An OpenAPI document for an API that was created without one.

use model::ApiDocument;
use serde_json::{Map, Value, json};

/// OpenAPI 3.0.1 with one entry per operation of the API.
pub(crate) fn generate(api: &ApiDocument) -> Value {
    let mut paths = Map::new();
    for operation in api.operations() {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
        let target = text("target");
        let item = paths.entry(target.to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(text("verb").to_lowercase(), blank_operation(target));
        }
    }
    let mut info = json!({"title": api.name(), "version": api.version()});
    if let (Value::Object(info), false) = (&mut info, api.text("description").is_empty()) {
        info.insert("description".to_owned(), api.text("description").into());
    }
    json!({"openapi": "3.0.1", "info": info, "servers": [{"url": "/"}], "paths": paths, "components": {}})
}

/// An operation that only says that it exists, with the parameters its template needs.
pub(super) fn blank_operation(target: &str) -> Value {
    let parameters: Vec<Value> = template_parameters(target)
        .map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "style": "simple",
                "explode": false,
                "schema": {"type": "string"},
            })
        })
        .collect();
    let mut operation = Map::new();
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    operation.insert("responses".to_owned(), json!({"200": {"description": "OK"}}));
    Value::Object(operation)
}

/// The same for Swagger 2.0.
pub(super) fn blank_operation_v2(target: &str) -> Value {
    let parameters: Vec<Value> = template_parameters(target)
        .map(|name| json!({"name": name, "in": "path", "required": true, "type": "string"}))
        .collect();
    json!({"parameters": parameters, "responses": {"200": {"description": "OK"}}})
}

fn template_parameters(target: &str) -> impl Iterator<Item = &str> {
    target.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name)
}
