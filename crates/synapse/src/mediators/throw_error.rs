//! `throwError`

use crate::compile::Compiler;
use crate::expression::Template;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::value::Value;
use crate::xml::Element;

pub(super) const THROW_ERROR: Mediator =
    Mediator { name: "throwError", summary: "Fails with a type and a message of the artifact's own.", compile };

#[derive(Debug)]
struct ThrowError {
    kind: Template,
    message: Template,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let kind = compiler.required(element, "type")?;
    let message = element.given("errorMessage").or_else(|| element.given("errorMessageExpression")).unwrap_or_default();
    Some(Box::new(ThrowError { kind: compiler.value(element, &kind)?, message: compiler.value(element, message)? }))
}

impl ThrowError {
    fn failure(&self, flow: &mut Flow) -> Result<Failure, Failure> {
        let kind = self.kind.text(flow)?;
        let message = self.message.text(flow)?;
        flow.properties.insert("ERROR_TYPE".to_owned(), Value::text(kind.as_str()));
        Ok(Failure { detail: kind, ..Failure::new(message) })
    }
}

impl Run for ThrowError {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        let failure = match self.failure(flow) {
            Ok(failure) | Err(failure) => failure,
        };
        Running::Ready(Err(failure))
    }
}
