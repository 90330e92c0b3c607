//! `validate`

use std::sync::Arc;

use serde_json::Value as Json;

use crate::compile::Compiler;
use crate::expression::{Expression, Template};
use crate::flow::{Failure, Flow};
use crate::json;
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running, Step, run_steps};
use crate::message::Body;
use crate::value::Value;
use crate::xml::Element;

pub(super) const VALIDATE: Mediator =
    Mediator { name: "validate", summary: "Checks the message against JSON Schema.", compile };

#[derive(Debug)]
struct Validate {
    schemas: Vec<Template>,
    source: Option<Expression>,
    on_fail: Vec<Step>,
}

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
    Some(Box::new(Validate { schemas, source, on_fail }))
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
        for schema in &self.schemas {
            let key = schema.text(flow)?;
            let configuration = Arc::clone(&flow.exchange.configuration);
            let text = configuration
                .text_of(key.trim())
                .or_else(|| flow.host().resource(key.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            let text = text.ok_or_else(|| Failure::new(format!("the schema {key} is not deployed")))?;
            if text.trim_start().starts_with('<') {
                return Err(Failure::new(format!(
                    "{key} is an XML Schema; messages are validated with JSON Schema only"
                )));
            }
            if xml {
                return Err(Failure::new(format!("{key} is a JSON Schema and the message is XML")));
            }
            let schema = json::parse(&text).map_err(|e| Failure::new(format!("the schema {key}: {e}")))?;
            let validator =
                jsonschema::validator_for(&schema).map_err(|e| Failure::new(format!("the schema {key}: {e}")))?;
            errors.extend(validator.iter_errors(&subject).take(20).map(|error| error.to_string()));
        }
        Ok(errors)
    }
}

impl Run for Validate {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.validate(flow))
    }
}
