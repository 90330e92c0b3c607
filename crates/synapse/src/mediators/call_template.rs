//! `call-template`

use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow, Scope};
use crate::mediator::{Boxed, Mediator, Outcome, Run, Running};
use crate::value::Value;
use crate::xml::Element;

pub(super) const CALL_TEMPLATE: Mediator =
    Mediator { name: "call-template", summary: "Runs a sequence template with parameters.", compile };

#[derive(Debug)]
struct CallTemplate {
    target: String,
    parameters: Vec<(String, Template)>,
    on_error: Option<Template>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let target = compiler.required(element, "target")?;
    let mut parameters = Vec::new();
    for child in element.children_named("with-param") {
        let name = compiler.required(child, "name")?;
        let value = child.attribute("value").unwrap_or_default();
        parameters.push((name, compiler.value(child, value)?));
    }
    let on_error = match element.given("onError") {
        Some(key) => Some(compiler.value(element, key)?),
        None => None,
    };
    Some(Box::new(CallTemplate { target, parameters, on_error }))
}

/// The value of a parameter: what the one expression gives, else the text.
pub(super) fn parameter(template: &Template, flow: &mut Flow) -> Result<Value, Failure> {
    match template.single() {
        Some(expression) => expression.value(flow),
        None => template.text(flow).map(Value::text),
    }
}

impl CallTemplate {
    async fn call(&self, flow: &mut Flow) -> Outcome {
        let Some(template) = flow.exchange.configuration.sequence_template(&self.target) else {
            return Err(Failure::new(format!("the template {} is not deployed", self.target)));
        };
        let mut frame = Scope::new();
        for (name, value) in &self.parameters {
            frame.insert(name.clone(), parameter(value, flow)?);
        }
        for known in &template.parameters {
            let given = frame.get(&known.name).is_some_and(|value| !value.is_blank());
            match &known.default {
                Some(default) if !given => {
                    frame.insert(known.name.clone(), Value::text(default.as_str()));
                }
                None if known.mandatory && !given => {
                    return Err(Failure::new(format!(
                        "the template {} needs the parameter {}",
                        self.target, known.name
                    )));
                }
                _ => {}
            }
        }
        flow.frames.push(frame);
        let outcome = template.sequence.run(flow).await;
        flow.frames.pop();
        match (outcome, &self.on_error) {
            (Err(failure), Some(key)) => {
                flow.set_error(&failure);
                let name = key.text(flow)?;
                let Some(handler) = flow.exchange.configuration.sequence(&name) else { return Err(failure) };
                handler.run(flow).await?;
                Ok(crate::mediator::Next::Stop)
            }
            (outcome, _) => outcome,
        }
    }
}

impl Run for CallTemplate {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.call(flow))
    }
}
