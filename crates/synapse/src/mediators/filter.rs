//! `filter`

use crate::compile::Compiler;
use crate::expression::{Expression, Template};
use crate::flow::{Failure, Flow};
use crate::mediator::{Boxed, Mediator, Next, Run, Running, Step, run_steps};
use crate::pattern::Pattern;
use crate::xml::Element;

pub(super) const FILTER: Mediator =
    Mediator { name: "filter", summary: "Runs mediators when a condition holds.", compile };

#[derive(Debug)]
enum Condition {
    Holds(Expression),
    Matches(Expression, Pattern),
}

#[derive(Debug)]
struct Filter {
    condition: Condition,
    then: Branch,
    otherwise: Branch,
}

/// Mediators, or the key of a sequence.
#[derive(Debug)]
pub(super) enum Branch {
    Steps(Vec<Step>),
    Key(Template),
}

impl Branch {
    pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Self> {
        let key = element.given("key").or_else(|| element.given("sequence"));
        match key {
            Some(key) => compiler.value(element, key).map(Self::Key),
            None => Some(Self::Steps(compiler.steps(element))),
        }
    }

    pub(super) fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        match self {
            Self::Steps(steps) if steps.is_empty() => Running::Ready(Ok(Next::Continue)),
            Self::Steps(steps) => Running::Waiting(run_steps(steps, flow)),
            Self::Key(key) => Running::waiting(async move {
                let name = key.text(flow)?;
                let Some(found) = flow.exchange.configuration.sequence(name.trim()) else {
                    return Err(Failure::new(format!("the sequence {name} is not deployed")));
                };
                found.run(flow).await
            }),
        }
    }
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let condition = match (element.given("xpath"), element.given("source"), element.attribute("regex")) {
        (Some(text), ..) => compiler.expression(element, text).map(Condition::Holds),
        (None, Some(source), Some(regex)) => {
            let (source, regex) = (compiler.expression(element, source), compiler.pattern(element, regex));
            source.zip(regex).map(|(source, regex)| Condition::Matches(source, regex))
        }
        _ => {
            compiler.fault(element, "the condition is missing", "give xpath, or source with regex");
            None
        }
    };
    let then = element.child("then");
    let (first, second) = match then {
        Some(then) => {
            let otherwise = element.child("else").map(|child| Branch::compile(compiler, child));
            (Branch::compile(compiler, then), otherwise.unwrap_or_else(|| Some(Branch::Steps(Vec::new()))))
        }
        None => (Some(Branch::Steps(compiler.steps(element))), Some(Branch::Steps(Vec::new()))),
    };
    Some(Box::new(Filter { condition: condition?, then: first?, otherwise: second? }))
}

impl Filter {
    fn holds(&self, flow: &mut Flow) -> Result<bool, Failure> {
        match &self.condition {
            Condition::Holds(expression) => expression.boolean(flow),
            Condition::Matches(source, pattern) => {
                let text = source.text(flow)?;
                pattern.matches(&text).map_err(Failure::new)
            }
        }
    }
}

impl Run for Filter {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        match self.holds(flow) {
            Err(failure) => Running::Ready(Err(failure)),
            Ok(true) => self.then.run(flow),
            Ok(false) => self.otherwise.run(flow),
        }
    }
}
