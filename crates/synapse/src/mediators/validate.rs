//! `validate`

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;

use crate::compile::Compiler;
use crate::expression::{Expression, Template};
use crate::flow::{Failure, Flow};
use crate::json;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running, Step, run_steps};
use crate::message::Body;
use crate::value::Value;
use crate::xml::{Document, Element, Limits};
use crate::xsd::Schema;

pub(super) const VALIDATE: Mediator =
    Mediator { name: "validate", summary: "Checks the message against JSON Schema or XML Schema.", compile };

#[derive(Debug)]
struct Validate {
    schemas: Vec<Template>,
    /// Other documents of an XML Schema: `schemaLocation` and key.
    resources: Vec<(String, String)>,
    source: Option<Expression>,
    on_fail: Vec<Step>,
    /// The XML Schema of the last message, with the texts it was read from.
    known: Mutex<Option<Known>>,
}

type Known = (Vec<String>, Arc<Schema>);

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let mut schemas = Vec::new();
    for child in element.children_named("schema") {
        let key = compiler.required(child, "key")?;
        schemas.push(compiler.value(child, &key)?);
    }
    if schemas.is_empty() {
        compiler.fault(element, "the schema is missing", "add a schema element with a key");
    }
    let source = match element.given("source") {
        Some(text) => Some(compiler.expression(element, text)?),
        None => None,
    };
    let on_fail = element.child("on-fail").map(|child| compiler.steps(child)).unwrap_or_default();
    let mut resources = Vec::new();
    for child in element.children_named("resource") {
        resources.push((compiler.required(child, "location")?, compiler.required(child, "key")?));
    }
    Some(Box::new(Validate { schemas, resources, source, on_fail, known: Mutex::default() }))
}

impl Validate {
    async fn validate(&self, flow: &mut Flow) -> Outcome {
        let errors = self.errors(flow)?;
        let Some(first) = errors.first() else { return Ok(Next::Continue) };
        let detail = errors.join("; ");
        flow.properties.insert("ERROR_MESSAGE".to_owned(), Value::text(first.as_str()));
        flow.properties.insert("ERROR_DETAIL".to_owned(), Value::text(detail.as_str()));
        if self.on_fail.is_empty() {
            return Err(Failure::with_code(0, format!("the message is not valid: {first}"), detail));
        }
        run_steps(&self.on_fail, flow).await?;
        Ok(Next::Stop)
    }

    fn errors(&self, flow: &mut Flow) -> Result<Vec<String>, Failure> {
        let mut schemas = Vec::new();
        for schema in &self.schemas {
            let key = schema.text(flow)?;
            let text =
                deployed(key.trim(), flow).ok_or_else(|| Failure::new(format!("the schema {key} is not deployed")))?;
            schemas.push((key, text));
        }
        if schemas.iter().any(|(_, text)| text.trim_start().starts_with('<')) {
            return self.xml_errors(schemas.into_iter().map(|(_, text)| text).collect(), flow);
        }
        let subject = match &self.source {
            Some(expression) => match expression.value(flow)? {
                Value::Text(text) => json::parse(&text).unwrap_or_else(|_| Json::String(text.to_string())),
                other => other.as_json(),
            },
            None => {
                flow.message.build()?;
                (*flow.message.json()?).clone()
            }
        };
        let xml = matches!(flow.message.body(), Body::Xml(_)) && self.source.as_ref().is_none_or(Expression::is_xpath);
        let mut errors = Vec::new();
        for (key, text) in &schemas {
            if xml {
                return Err(Failure::new(format!("{key} is a JSON Schema and the message is XML")));
            }
            let schema = json::parse(text).map_err(|e| Failure::new(format!("the schema {key}: {e}")))?;
            let validator =
                jsonschema::validator_for(&schema).map_err(|e| Failure::new(format!("the schema {key}: {e}")))?;
            errors.extend(validator.iter_errors(&subject).take(20).map(|error| error.to_string()));
        }
        Ok(errors)
    }

    /// Checks what the source selects, else the payload, which JSON has none of.
    fn xml_errors(&self, texts: Vec<String>, flow: &mut Flow) -> Result<Vec<String>, Failure> {
        let schema = self.schema(texts, flow)?;
        let selected = match &self.source {
            Some(expression) => match expression.value(flow)? {
                Value::Xml(document) => document.root().map(|root| (document, root)),
                Value::Text(text) => Document::parse(&text, Limits::MESSAGE)
                    .ok()
                    .and_then(|document| document.root().map(|root| (Arc::new(document), root))),
                _ => None,
            },
            None => {
                let envelope = flow.message.envelope()?;
                crate::soap::payload_of(&envelope).map(|payload| (envelope, payload))
            }
        };
        let Some((document, root)) = selected else {
            return Ok(vec!["there is no XML to validate".to_owned()]);
        };
        schema.check(&document, root, &|steps| flow.spend(steps))
    }

    fn schema(&self, texts: Vec<String>, flow: &Flow) -> Result<Arc<Schema>, Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, schema)) = &*known
            && *from == texts
        {
            return Ok(Arc::clone(schema));
        }
        let mut alone = true;
        let mut locate = |location: &str| {
            let resource = self.resources.iter().find(|(known, _)| known == location);
            let text = deployed(resource.map_or(location, |(_, key)| key), flow);
            alone &= text.is_none();
            text
        };
        let schema = Schema::read(&texts, &mut locate).map_err(Failure::new)?;
        let schema = Arc::new(schema);
        // What another document says may change without these texts.
        *known = alone.then(|| (texts, Arc::clone(&schema)));
        Ok(schema)
    }
}

/// A local entry or resource as text.
fn deployed(key: &str, flow: &Flow) -> Option<String> {
    let text = flow.exchange.configuration.text_of(key);
    text.or_else(|| flow.host().resource(key).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

impl Run for Validate {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.validate(flow))
    }
}
