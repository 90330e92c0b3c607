//! `jsontransform`

use std::sync::Arc;

use serde_json::Value as Json;

use crate::compile::Compiler;
use crate::flow::{Failure, Flow};
use crate::json;
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::message::Body;
use crate::xml::Element;

pub(super) const JSON_TRANSFORM: Mediator =
    Mediator { name: "jsontransform", summary: "Turns the message into JSON, with types of a schema.", compile };

#[derive(Debug)]
struct JsonTransform {
    schema: Option<String>,
    primitives: bool,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let mut primitives = true;
    for child in element.children_named("property") {
        let name = compiler.required(child, "name")?;
        let value = child.given("value").unwrap_or_default();
        match name.as_str() {
            "synapse.commons.json.output.autoPrimitive" => primitives = value != "false",
            name if name.starts_with("synapse.commons.") => {}
            name => {
                compiler.fault(
                    child,
                    format!("the property {name} is not known"),
                    "synapse.commons.json.output.autoPrimitive",
                );
            }
        }
    }
    Some(Box::new(JsonTransform { schema: element.given("schema").map(str::to_owned), primitives }))
}

impl JsonTransform {
    fn transform(&self, flow: &mut Flow) -> Result<(), Failure> {
        let mut body = (*flow.message.json()?).clone();
        if !self.primitives {
            as_texts(&mut body);
        }
        if let Some(key) = &self.schema {
            let configuration = Arc::clone(&flow.exchange.configuration);
            let text = configuration
                .text_of(key)
                .or_else(|| flow.host().resource(key).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            let text = text.ok_or_else(|| Failure::new(format!("the schema {key} is not deployed")))?;
            let schema = json::parse(&text).map_err(|e| Failure::new(format!("the schema {key}: {e}")))?;
            correct(&mut body, &schema);
            let validator =
                jsonschema::validator_for(&schema).map_err(|e| Failure::new(format!("the schema {key}: {e}")))?;
            if let Some(error) = validator.iter_errors(&body).next() {
                return Err(Failure::new(format!("the message does not fit the schema {key}: {error}")));
            }
        }
        flow.message.set_body(Body::from_json(body));
        Ok(())
    }
}

fn as_texts(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(as_texts),
        Json::Object(members) => members.values_mut().for_each(as_texts),
        Json::Number(_) | Json::Bool(_) => *value = Json::String(value.to_string()),
        Json::Null | Json::String(_) => {}
    }
}

/// Brings values to the types that the schema names; what does not fit stays for the validation to report.
fn correct(value: &mut Json, schema: &Json) {
    let kind = schema.get("type").and_then(Json::as_str).unwrap_or_default();
    match kind {
        "object" => {
            if let (Json::Object(members), Some(Json::Object(properties))) = (&mut *value, schema.get("properties")) {
                for (name, schema) in properties {
                    if let Some(member) = members.get_mut(name) {
                        correct(member, schema);
                    }
                }
            }
        }
        "array" => {
            if !value.is_array() && !value.is_null() {
                *value = Json::Array(vec![value.take()]);
            }
            if let (Json::Array(items), Some(schema)) = (&mut *value, schema.get("items")) {
                items.iter_mut().for_each(|item| correct(item, schema));
            }
        }
        "string" if value.is_number() || value.is_boolean() => *value = Json::String(value.to_string()),
        "number" | "integer" | "boolean" => {
            if let Json::String(text) = &*value {
                let parsed = json::primitive(text);
                if !parsed.is_string() {
                    *value = parsed;
                }
            }
        }
        _ => {}
    }
}

impl Run for JsonTransform {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.transform(flow))
    }
}
