//! `variable`

use super::property::{Source, Type, kind_of, source_of, value_of};
use crate::compile::Compiler;
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Run, Running};
use crate::value::Value;
use crate::xml::Element;

pub(super) const VARIABLE: Mediator = Mediator { name: "variable", summary: "Sets or removes a variable.", compile };

#[derive(Debug)]
struct Variable {
    name: String,
    kind: Option<Type>,
    source: Option<Source>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let name = compiler.required(element, "name")?;
    let kind = kind_of(compiler, element);
    let source =
        if element.given("action") == Some("remove") { None } else { Some(source_of(compiler, element, kind)?) };
    Some(Box::new(Variable { name, kind, source }))
}

impl Variable {
    fn apply(&self, flow: &mut Flow) -> Result<(), Failure> {
        match &self.source {
            None => {
                flow.variables.remove(&self.name);
            }
            Some(source) => {
                let value = match source {
                    // A variable without a type keeps what the expression gives.
                    Source::Expression(expression) if self.kind.is_none() => expression.value(flow)?,
                    source => value_of(source, self.kind, flow)?,
                };
                let value =
                    if matches!(value, Value::Null) && self.kind == Some(Type::Text) { Value::text("") } else { value };
                flow.variables.insert(self.name.clone(), value);
            }
        }
        Ok(())
    }
}

impl Run for Variable {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::done(self.apply(flow))
    }
}
